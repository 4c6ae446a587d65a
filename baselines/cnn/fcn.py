"""FCN's head (Long et al., CVPR 2015), as main head and as the auxiliary head of the others."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from baselines.cnn.layers import ConvNormReLU, Head


class FCNHead(Head):
    """3x3 convolutions of one of the backbone's maps; with `concat`, a 3x3 fusion of the last with that map."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        num_classes: int,
        *,
        level: int = -1,
        convs: int = 2,
        concat: bool = True,
        bias: bool = False,
        dropout: float = 0.1,
    ) -> None:
        """`level` is the index of the map among the backbone's, `bias` whether convolutions before norms have one."""
        super().__init__(channels, num_classes, dropout=dropout)
        self.level = level
        widths = [in_channels] + [channels] * (convs - 1)
        self.convs = nn.Sequential(*(ConvNormReLU(width, channels, 3, bias=bias) for width in widths))
        self.conv_cat = ConvNormReLU(in_channels + channels, channels, 3, bias=bias) if concat else None

    def forward(self, maps: Sequence[Tensor]) -> Float[Tensor, "b k h w"]:
        """Class scores at the map's size."""
        x = maps[self.level]
        out = self.convs(x)
        if self.conv_cat is not None:
            out = self.conv_cat(torch.cat((x, out), dim=1))
        return self.classify(out)
