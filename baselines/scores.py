"""Predictions that are class scores on a coarse grid, and the segmentors of one image that make them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor

from mpvss.stages import stage


@dataclass(frozen=True)
class ScorePrediction:
    """Class scores on the model's own grid, upsampled bilinearly to the frame, as the library's processors do."""

    coarse: Float[Tensor, "c h w"]
    size: tuple[int, int]
    """Height and width of the frame."""
    padded: tuple[int, int] | None = None
    """Height and width that the grid covers, where the frame was padded at the bottom and right."""

    @stage("semantic inference")
    def scores(self) -> Float[Tensor, "c h w"]:
        """The score (logit) of each class at each pixel."""
        covered = self.padded or self.size
        scores = F.interpolate(self.coarse[None], covered, mode="bilinear", align_corners=False)[0]
        return scores[:, : self.size[0], : self.size[1]]

    @stage("semantic inference")
    def labels(self) -> UInt8[Tensor, "h w"]:
        """The best class of each pixel."""
        return self.scores().max(0).indices.to(torch.uint8)


@runtime_checkable
class ScoreSegmentor(Protocol):
    """A network that segments one image into class scores on a coarse grid."""

    num_classes: int

    def predict(self, frame: Shaped[Tensor, "3 h w"]) -> ScorePrediction:
        """The prediction of one RGB frame, 0..255."""
        ...
