"""PSPNet's head (Zhao et al., CVPR 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from baselines.cnn.layers import ConvNormReLU, Head, resize
from mpvss.layers import map_size

POOLS = (1, 2, 3, 6)
"""Sides of the grids that a map is pooled to."""


class PyramidPooling(nn.ModuleList):
    """A map beside its means over coarse grids, each through a 1x1 convolution and back to the map's size."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__(nn.Sequential(nn.AdaptiveAvgPool2d(n), ConvNormReLU(in_channels, channels)) for n in POOLS)
        self.out_channels = in_channels + len(POOLS) * channels

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h w"]:
        """The map and its pooled maps, concatenated on channels."""
        return torch.cat([x, *(resize(pool(x), map_size(x)) for pool in self)], dim=1)


class PSPHead(Head):
    """Pyramid pooling of the last map, then a 3x3 convolution."""

    def __init__(self, in_channels: int, channels: int, num_classes: int) -> None:
        super().__init__(channels, num_classes)
        self.psp_modules = PyramidPooling(in_channels, channels)
        self.bottleneck = ConvNormReLU(self.psp_modules.out_channels, channels, 3)

    def forward(self, maps: Sequence[Tensor]) -> Float[Tensor, "b k h w"]:
        """Class scores at the last map's size."""
        return self.classify(self.bottleneck(self.psp_modules(maps[-1])))
