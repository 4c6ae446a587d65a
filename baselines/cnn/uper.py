"""UperNet's head (Xiao et al., ECCV 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from baselines.cnn.layers import ConvNormReLU, Head, resize
from baselines.cnn.psp import PyramidPooling
from mpvss.layers import map_size


class UperHead(Head):
    """Pyramid pooling of the last map, a feature pyramid down to the first, and a fusion of all levels."""

    def __init__(self, in_channels: Sequence[int], channels: int, num_classes: int, *, dropout: float = 0.1) -> None:
        super().__init__(channels, num_classes, dropout=dropout)
        *finer, last = in_channels
        self.psp_modules = PyramidPooling(last, channels)
        self.bottleneck = ConvNormReLU(self.psp_modules.out_channels, channels, 3)
        self.lateral_convs = nn.ModuleList(ConvNormReLU(width, channels) for width in finer)
        self.fpn_convs = nn.ModuleList(ConvNormReLU(channels, channels, 3) for _ in finer)
        self.fpn_bottleneck = ConvNormReLU(len(in_channels) * channels, channels, 3)

    def forward(self, maps: Sequence[Tensor]) -> Float[Tensor, "b k h w"]:
        """Class scores at the first map's size."""
        *finer, last = maps
        size = map_size(maps[0])
        x = self.bottleneck(self.psp_modules(last))
        levels = [resize(x, size)]
        for index in reversed(range(len(finer))):
            x = self.lateral_convs[index](finer[index]) + resize(x, map_size(finer[index]))
            levels.append(resize(self.fpn_convs[index](x), size))
        return self.classify(self.fpn_bottleneck(torch.cat(levels[::-1], dim=1)))
