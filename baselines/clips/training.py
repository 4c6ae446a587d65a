"""Training of CFFM-VSS and MRCFA on clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jaxtyping import UInt8
from torch import Tensor

from baselines.clips.network import ClipNetwork, ClipScores
from baselines.clips.sampling import ClipBatch
from mpvss.errors import UserError
from mpvss.training.batch import Batch
from mpvss.training.tasks import Task

ClipLosses = Callable[[ClipScores, UInt8[Tensor, "b n h w"]], Mapping[str, Tensor]]
"""The weighted losses of every output on clips, by name, from the labels of their frames."""


class ClipTask(Task):
    """All of a network that segments a frame from a clip of four, under its losses."""

    model: ClipNetwork[Any]

    def __init__(self, model: ClipNetwork[Any], losses: ClipLosses) -> None:
        super().__init__(model, [model])
        self._losses = losses

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        if not isinstance(batch, ClipBatch):
            raise UserError("this task is trained on clips of four frames, and the batch has none")
        return dict(self._losses(self.model(batch.clips()), batch.clip_labels()))
