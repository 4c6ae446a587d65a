"""Predictions that are class scores on a coarse grid, and the segmentors of one image that make them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor

from mpvss.stages import stage

CLASSES_AT_ONCE = 32
"""Classes whose full-size scores are compared at once; on a CPU one, whose scores stay in its cache."""


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
        return self._upsampled(self.coarse)

    @stage("semantic inference")
    def labels(self) -> UInt8[Tensor, "h w"]:
        """The best class of each pixel, of equals the first; never with the scores of all classes in memory."""
        return self.best_classes(at_once=1 if self.coarse.is_cpu else CLASSES_AT_ONCE)

    def best_classes(self, at_once: int) -> UInt8[Tensor, "h w"]:
        """The labels, with the full-size scores of `at_once` classes in memory."""
        coarse = self.coarse.detach()
        best = coarse.new_full(self.size, -torch.inf)
        labels = torch.zeros(self.size, dtype=torch.uint8, device=coarse.device)
        for first in range(0, len(coarse), at_once):
            scores = self._upsampled(coarse[first : first + at_once])
            if at_once == 1:
                highest = scores[0]
                labels.masked_fill_(highest > best, first)
            else:
                highest, which = scores.max(0)
                labels = torch.where(highest > best, (which + first).to(torch.uint8), labels)
            best = torch.maximum(best, highest)
        return labels

    def _upsampled(self, coarse: Float[Tensor, "c gh gw"]) -> Float[Tensor, "c h w"]:
        covered = self.padded or self.size
        scores = F.interpolate(coarse[None], covered, mode="bilinear", align_corners=False)[0]
        return scores[:, : self.size[0], : self.size[1]]


@runtime_checkable
class ScoreSegmentor(Protocol):
    """A network that segments one image into class scores on a coarse grid."""

    num_classes: int

    def predict(self, frame: Shaped[Tensor, "3 h w"]) -> ScorePrediction:
        """The prediction of one RGB frame, 0..255."""
        ...
