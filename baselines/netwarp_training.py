"""NetWarp's training on pairs of successive frames."""

from __future__ import annotations

import torch
from torch import Tensor

from baselines.clips.sampling import ClipBatch
from baselines.cnn.loss import AUXILIARY_WEIGHT, cross_entropy
from baselines.netwarp import NetWarp
from mpvss.errors import UserError
from mpvss.training.batch import Batch
from mpvss.training.tasks import Task


class NetWarpTask(Task):
    """All of NetWarp but its flow network: the frame's cross-entropy, and 0.4 of the coarse head's on both frames."""

    model: NetWarp

    def __init__(self, model: NetWarp) -> None:
        super().__init__(model, [model.segmentor, model.flow_cnn, model.mix_maps, model.mix_features])

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        if not isinstance(batch, ClipBatch):
            raise UserError("this task is trained on pairs of labelled frames, and the batch has none")
        previous, labels = batch.references[:, -1], batch.require_labels()
        flow = self.model.transformed_flow(batch.frames, previous)
        # Together, so that batch norms see both frames at once.
        both = self.model.segmentor.features(torch.cat((batch.frames, previous)))
        maps, before = zip(*(level.chunk(2) for level in both), strict=True)
        scores, coarse = self.model.decode(list(maps), list(before), flow)
        both_labels = torch.cat((labels, batch.reference_labels[:, -1]))
        return {
            "pixel": cross_entropy(scores, labels),
            "auxiliary": AUXILIARY_WEIGHT * cross_entropy(coarse, both_labels),
        }
