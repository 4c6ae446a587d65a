"""ETC's training: an image network on pairs of successive frames, with a frozen flow network."""

from __future__ import annotations

import torch
from torch import Tensor

from baselines.clips.sampling import ClipBatch
from baselines.cnn.network import ImageNetwork
from baselines.etc import etc_loss
from baselines.flownets import FlowNetS
from mpvss.errors import UserError
from mpvss.training.batch import Batch
from mpvss.training.tasks import Task


class EtcTask(Task):
    """All of an image network under ETC's loss; `flow`, which says how frames move, stays as it is."""

    model: ImageNetwork

    def __init__(self, model: ImageNetwork, flow: FlowNetS) -> None:
        super().__init__(model, [model])
        self._flow = (flow.eval().requires_grad_(False),)  # in a tuple: it is not trained, and no part of the model

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        if not isinstance(batch, ClipBatch):
            raise UserError("this task is trained on pairs of labelled frames, and the batch has none")
        previous, previous_labels = batch.references[:, -1], batch.reference_labels[:, -1]
        with torch.no_grad():
            flow = self._flow[0].to(batch.frames.device).frame_flow(batch.frames, previous)
        return {"etc": etc_loss(self.model, batch.frames, previous, batch.require_labels(), previous_labels, flow)}
