"""The motion encoder: FlowNetS's contracting half over a pair of frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from mpvss.layers import constant
from mpvss.stages import stage
from mpvss.video import as_float

PIXEL_MEAN = (0.411, 0.432, 0.450)
PADDING = 32
"""Pairs are zero-padded at the bottom and right to multiples of this, before they are halved."""
SLOPE = 0.1
"""Negative slope of the leaky ReLUs."""


class MotionFeatures(NamedTuple):
    """Maps of a pair, fine to coarse: 1/4, 1/8, 1/16, 1/32 and 1/64 of what the encoder was given."""

    conv2: Tensor
    conv3: Tensor
    conv4: Tensor
    conv5: Tensor
    conv6: Tensor


class MotionEncoder(nn.Module):
    """Ten strided and plain convolutions, in six groups that halve the size."""

    def __init__(self, widths: Sequence[int]) -> None:
        """Make the convolutions.

        Args:
            widths: channels of conv1 to conv6.

        """
        super().__init__()
        self.widths = tuple(widths)
        one, two, three, four, five, six = widths
        self.conv1 = nn.Sequential(_conv(6, one, 7))
        self.conv2 = nn.Sequential(_conv(one, two, 5))
        self.conv3 = nn.Sequential(_conv(two, three, 5), _conv(three, three, 3, stride=1))
        self.conv4 = nn.Sequential(_conv(three, four, 3), _conv(four, four, 3, stride=1))
        self.conv5 = nn.Sequential(_conv(four, five, 3), _conv(five, five, 3, stride=1))
        self.conv6 = nn.Sequential(_conv(five, six, 3), _conv(six, six, 3, stride=1))

    @stage("motion encoder")
    def forward(self, pair: Float[Tensor, "b 6 h w"]) -> MotionFeatures:
        """Maps of two frames, as `stack_pair` makes them, concatenated on channels."""
        x = pair
        maps = []
        for convolutions in (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5, self.conv6):
            for conv in convolutions:
                x = F.leaky_relu_(conv(x), SLOPE)
            maps.append(x)
        return MotionFeatures(*maps[1:])


@stage("motion encoder")
def stack_pair(first: Shaped[Tensor, "b 3 h w"], second: Shaped[Tensor, "b 3 h w"]) -> Float[Tensor, "b 6 ph pw"]:
    """Two RGB frames, 0..255, as the flow networks take them: scaled to 0..1, centred, padded, halved in size."""
    pair = torch.cat((as_float(first), as_float(second)), dim=1)
    mean = constant(PIXEL_MEAN * 2, pair.device, pair.dtype).view(6, 1, 1)
    pair = torch.add(-mean, pair, alpha=1 / 255)
    pair = F.pad(pair, (0, -pair.shape[-1] % PADDING, 0, -pair.shape[-2] % PADDING))
    half = (pair.shape[-2] // 2, pair.shape[-1] // 2)
    return F.interpolate(pair, half, mode="bilinear", align_corners=False)


def _conv(in_channels: int, out_channels: int, kernel: int, stride: int = 2) -> nn.Conv2d:
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2)
    nn.init.kaiming_normal_(conv.weight, a=SLOPE)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv
