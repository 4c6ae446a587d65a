"""SegFormer's decoder: linear layers alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mpvss.layers import map_size, to_map, to_tokens
from mpvss.stages import stage

DROPOUT = 0.1
"""The share of channels that training drops before the class scores."""


class AllMLPHead(nn.Module):
    """A linear layer per level, everything at 1/4 concatenated, a 1x1 convolution, class scores (Sec. 3.2)."""

    def __init__(self, *, in_channels: Sequence[int], width: int, num_classes: int, folded: bool) -> None:
        """`in_channels` from fine to coarse; `folded`: levels are projected at their own size, in one product each."""
        super().__init__()
        self.folded = folded
        self.project = nn.ModuleList(nn.Linear(channels, width) for channels in in_channels)
        self.fuse = nn.Conv2d(len(in_channels) * width, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout2d(DROPOUT)
        self.classify = nn.Conv2d(width, num_classes, 1)
        nn.init.kaiming_normal_(self.fuse.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.classify.weight, std=0.01)
        nn.init.zeros_(self.classify.bias)  # type: ignore[arg-type]

    @stage("decoder")
    def fused(self, maps: list[Tensor]) -> Float[Tensor, "b d h w"]:
        """The decoder's map at 1/4, of the backbone's maps from fine to coarse."""
        return F.relu_(self.norm(self._fold(maps) if self.folded else self._concatenate(maps)))

    @stage("decoder")
    def scores(self, fused: Float[Tensor, "b d h w"]) -> Float[Tensor, "b c h w"]:
        """The class scores (logits) of a decoder map."""
        return self.classify(self.dropout(fused))

    def _concatenate(self, maps: list[Tensor]) -> Tensor:
        """As published: every level is projected, upsampled, and fused at 1/4."""
        size = map_size(maps[0])
        levels = [
            upsample(to_map(project(to_tokens(level)), map_size(level)), size)
            for level, project in zip(maps, self.project, strict=True)
        ]
        return self.fuse(torch.cat(levels[::-1], dim=1))

    def _fold(self, maps: list[Tensor]) -> Tensor:
        """The same: the product comes before the upsampling, as both are linear, and is one of two weights."""
        size = map_size(maps[0])
        shares = self.fuse.weight.flatten(1).chunk(len(maps), dim=1)[::-1]
        total: Tensor | None = None
        for level, project, share in zip(maps, self.project, shares, strict=True):
            weight, bias = share @ project.weight, share @ project.bias  # type: ignore[operator]
            part = upsample(F.conv2d(level, weight[..., None, None], bias), size)
            total = part if total is None else total + part
        assert total is not None
        return total


def upsample(x: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c oh ow"]:
    """A map at `size` (height, width), bilinearly, corners not aligned."""
    return x if map_size(x) == tuple(size) else F.interpolate(x, size, mode="bilinear", align_corners=False)
