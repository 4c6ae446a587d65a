"""DeepLabV3+'s head (Chen et al., ECCV 2018), its dilated convolutions separable."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from baselines.cnn.layers import ConvNormReLU, Head, SeparableConv, resize
from mpvss.layers import map_size

DILATIONS = (12, 24, 36)
"""Dilations of the separable branches, at 1/8 of the image."""


class DeepLabV3PlusHead(Head):
    """Spatial pyramid pooling of the last map, refined with the first."""

    def __init__(self, in_channels: int, fine_channels: int, channels: int, fine_width: int, num_classes: int) -> None:
        """`fine_width` is what the first map's `fine_channels` are reduced to."""
        super().__init__(channels, num_classes)
        self.image_pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), ConvNormReLU(in_channels, channels))
        branches = [SeparableConv(in_channels, channels, dilation=dilation) for dilation in DILATIONS]
        self.aspp_modules = nn.ModuleList([ConvNormReLU(in_channels, channels), *branches])
        self.bottleneck = ConvNormReLU((2 + len(DILATIONS)) * channels, channels, 3)
        self.c1_bottleneck = ConvNormReLU(fine_channels, fine_width)
        self.sep_bottleneck = nn.Sequential(
            SeparableConv(channels + fine_width, channels), SeparableConv(channels, channels)
        )

    def forward(self, maps: Sequence[Tensor]) -> Float[Tensor, "b k h w"]:
        """Class scores at the first map's size."""
        fine, coarse = maps[0], maps[-1]
        pooled = resize(self.image_pool(coarse), map_size(coarse))
        x = self.bottleneck(torch.cat([pooled, *(branch(coarse) for branch in self.aspp_modules)], dim=1))
        x = torch.cat((resize(x, map_size(fine)), self.c1_bottleneck(fine)), dim=1)
        return self.classify(self.sep_bottleneck(x))
