"""Layers the image networks share, named as in the published segmentation library."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


def conv2d(
    in_channels: int,
    out_channels: int,
    kernel: int,
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    bias: bool = False,
) -> nn.Conv2d:
    """A convolution that keeps the size, but for its stride."""
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding, dilation, groups, bias)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


class ConvNormReLU(nn.Module):
    """A convolution, batch norm, ReLU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        *,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.conv = conv2d(in_channels, out_channels, kernel, dilation=dilation, groups=groups, bias=bias)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h w"]:
        return F.relu_(self.bn(self.conv(x)))


class SeparableConv(nn.Module):
    """A 3x3 convolution of each channel by itself, then a 1x1 convolution; batch norm and ReLU after both."""

    def __init__(self, in_channels: int, out_channels: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.depthwise_conv = ConvNormReLU(in_channels, in_channels, 3, dilation=dilation, groups=in_channels)
        self.pointwise_conv = ConvNormReLU(in_channels, out_channels)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h w"]:
        return self.pointwise_conv(self.depthwise_conv(x))


class Head(nn.Module):
    """A decode head's end: dropout of whole channels, then a 1x1 convolution to class scores."""

    def __init__(self, channels: int, num_classes: int, *, dropout: float = 0.1) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.dropout = nn.Dropout2d(dropout)
        self.conv_seg = nn.Conv2d(channels, num_classes, 1)

    def classify(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """The class scores of a head's features."""
        return self.conv_seg(self.dropout(x))


def resize(x: Float[Tensor, "b c _ _"], size: tuple[int, int]) -> Float[Tensor, "b c h w"]:
    """Bilinear resize to `size` (height, width); corners are not aligned."""
    return F.interpolate(x, size, mode="bilinear", align_corners=False)
