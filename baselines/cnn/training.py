"""The CNN rows' training on single frames."""

from __future__ import annotations

from torch import Tensor

from baselines.cnn.loss import AUXILIARY_WEIGHT, cross_entropy
from baselines.cnn.network import ImageNetwork
from mpvss.training.batch import Batch
from mpvss.training.tasks import Task


class ImageNetworkTask(Task):
    """All of an image network under the cross-entropy of its head and of its auxiliary or coarse head."""

    model: ImageNetwork

    def __init__(self, model: ImageNetwork) -> None:
        super().__init__(model, [model])

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        labels = batch.require_labels()
        scores, auxiliary = self.model.every_head(batch.frames)
        losses = {"pixel": cross_entropy(scores, labels)}
        if auxiliary is not None:
            losses["auxiliary"] = AUXILIARY_WEIGHT * cross_entropy(auxiliary, labels)
        return losses
