"""SegFormer's training on single frames."""

from __future__ import annotations

from torch import Tensor

from baselines.segformer.loss import pixel_cross_entropy
from baselines.segformer.network import SegFormer
from mpvss.training.batch import Batch
from mpvss.training.tasks import Task


class SegFormerTask(Task):
    """All of SegFormer under the cross-entropy of its upsampled scores."""

    model: SegFormer

    def __init__(self, model: SegFormer) -> None:
        super().__init__(model, [model])

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        return {"pixel": pixel_cross_entropy(self.model(batch.frames), batch.require_labels())}
