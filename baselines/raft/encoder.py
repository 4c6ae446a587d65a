"""RAFT's convolutional encoder, for features and for context."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

WIDTHS = (64, 96, 128)
"""Channels of the three stages, at 1/2, 1/4 and 1/8 of the image."""

Norm = Callable[[int], nn.Module]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with norm and ReLU, added to a shortcut."""

    def __init__(self, in_channels: int, channels: int, norm: Norm, stride: int) -> None:
        super().__init__()
        self.conv1 = _conv(in_channels, channels, 3, stride)
        self.conv2 = _conv(channels, channels, 3)
        self.norm1, self.norm2 = norm(channels), norm(channels)
        self.downsample = None
        if stride != 1:
            # Under two names, as in the published checkpoints.
            self.norm3 = norm(channels)
            self.downsample = nn.Sequential(_conv(in_channels, channels, 1, stride), self.norm3)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o oh ow"]:
        out = F.relu_(self.norm1(self.conv1(x)))
        out = F.relu_(self.norm2(self.conv2(out)))
        return F.relu_(out + (x if self.downsample is None else self.downsample(x)))


class Encoder(nn.Module):
    """A 7x7 convolution, three stages of two residual blocks, and a 1x1 convolution; 1/8 of the image."""

    def __init__(self, out_channels: int, norm: Norm) -> None:
        super().__init__()
        self.norm1 = norm(WIDTHS[0])
        self.conv1 = _conv(3, WIDTHS[0], 7, 2)
        self.layer1 = _stage(WIDTHS[0], WIDTHS[0], norm, 1)
        self.layer2 = _stage(WIDTHS[0], WIDTHS[1], norm, 2)
        self.layer3 = _stage(WIDTHS[1], WIDTHS[2], norm, 2)
        self.conv2 = _conv(WIDTHS[2], out_channels, 1)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b o oh ow"]:
        """Features of images whose values are -1 to 1."""
        x = F.relu_(self.norm1(self.conv1(image)))
        return self.conv2(self.layer3(self.layer2(self.layer1(x))))


def _stage(in_channels: int, channels: int, norm: Norm, stride: int) -> nn.Sequential:
    return nn.Sequential(ResidualBlock(in_channels, channels, norm, stride), ResidualBlock(channels, channels, norm, 1))


def _conv(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv
