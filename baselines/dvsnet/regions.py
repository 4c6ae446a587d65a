"""A frame in overlapping regions, and a prediction put together from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor

from mpvss.stages import stage


@dataclass(frozen=True)
class Regions:
    """2x2 regions, one in each corner of a frame, each reaching `overlap` pixels over its middle."""

    size: tuple[int, int]
    """Height and width of the frame."""
    overlap: int

    @property
    def region_size(self) -> tuple[int, int]:
        """Height and width of each region; of the frame, where that is smaller."""
        height, width = self.size
        return min(height, -(-height // 2) + self.overlap), min(width, -(-width // 2) + self.overlap)

    def corners(self) -> Iterator[tuple[int, int]]:
        """Top and left of each region, row by row."""
        (height, width), (region_height, region_width) = self.size, self.region_size
        for top in (0, height - region_height):
            for left in (0, width - region_width):
                yield top, left

    def cut(self, frame: Shaped[Tensor, "3 h w"]) -> Shaped[Tensor, "4 3 rh rw"]:
        """The regions of a frame."""
        height, width = self.region_size
        return torch.stack([frame[:, top : top + height, left : left + width] for top, left in self.corners()])


@dataclass(frozen=True)
class RegionPrediction:
    """Class scores of each region on a grid of its own, upsampled bilinearly; the larger score where they overlap."""

    coarse: tuple[Float[Tensor, "c _ _"], ...]
    regions: Regions

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frame."""
        return self.regions.size

    @stage("semantic inference")
    def scores(self) -> Float[Tensor, "c h w"]:
        """The score of each class at each pixel."""
        height, width = self.regions.region_size
        first = self.coarse[0]
        whole = first.new_full((first.shape[0], *self.size), float("-inf"))
        for (top, left), coarse in zip(self.regions.corners(), self.coarse, strict=True):
            scores = F.interpolate(coarse[None], (height, width), mode="bilinear", align_corners=False)[0]
            place = whole[:, top : top + height, left : left + width]
            torch.maximum(place, scores, out=place)
        return whole

    @stage("semantic inference")
    def labels(self) -> UInt8[Tensor, "h w"]:
        """The best class of each pixel."""
        return self.scores().max(0).indices.to(torch.uint8)
