"""ResNets whose late stages may be dilated (He et al., CVPR 2016; Chen et al., TPAMI 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from baselines.cnn.layers import conv2d
from mpvss.errors import UserError

DEPTHS: dict[int, tuple[int, int, int, int]] = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Blocks of each stage, by the network's name."""


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut; the first has the stride and the dilation."""

    expansion = 1

    def __init__(self, in_channels: int, width: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv1 = conv2d(in_channels, width, 3, stride=stride, dilation=dilation)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv2d(width, width, 3)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(in_channels, width, stride)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o oh ow"]:
        out = self.bn2(self.conv2(F.relu_(self.bn1(self.conv1(x)))))
        out += x if self.downsample is None else self.downsample(x)
        return F.relu_(out)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut.

    The stride is the 3x3 convolution's, or the first 1x1's with `stride_first`, as in the oldest ResNets.
    """

    expansion = 4

    def __init__(
        self, in_channels: int, width: int, *, stride: int = 1, dilation: int = 1, stride_first: bool = False
    ) -> None:
        super().__init__()
        first, middle = (stride, 1) if stride_first else (1, stride)
        self.conv1 = conv2d(in_channels, width, 1, stride=first)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2: nn.Module = conv2d(width, width, 3, stride=middle, dilation=dilation)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv2d(width, 4 * width, 1)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = _shortcut(in_channels, 4 * width, stride)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o oh ow"]:
        out = F.relu_(self.bn1(self.conv1(x)))
        out = F.relu_(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return F.relu_(out)


class ResNet(nn.Module):
    """A stem at 1/4 of the image and four stages of blocks."""

    def __init__(self, *, stem: nn.Sequential, stages: Sequence[nn.Sequential], channels: Sequence[int]) -> None:
        """`channels` are the stages' output widths."""
        super().__init__()
        self.out_channels = tuple(channels)
        self.stem = stem
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        """The four stages' maps of a normalised image of any size."""
        x = F.max_pool2d(self.stem(image), 3, stride=2, padding=1)
        maps = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            maps.append(x)
        return maps


def build_resnet(
    depth: int,
    *,
    stem: Sequence[int] = (32, 32, 64),
    width: int = 64,
    strides: Sequence[int],
    dilations: Sequence[int],
) -> ResNet:
    """ResNet-18, -50 or -101 with a stem of 3x3 convolutions of the widths given.

    `width` is the channels of a 3x3 convolution in the first stage; they double from stage to stage. `strides` and
    `dilations` are the stages'. A dilated stage's first block has half of its dilation (a contracted dilation), since
    that is what its stride would have left.
    """
    if depth not in DEPTHS:
        raise UserError(f"there is no ResNet-{depth} here; known depths are {', '.join(map(str, DEPTHS))}")
    block = BasicBlock if depth < 50 else Bottleneck
    before, channels, stages = stem[-1], [], []
    for index, (blocks, stride, dilation) in enumerate(zip(DEPTHS[depth], strides, dilations, strict=True)):
        inner = width << index
        after = block.expansion * inner
        first = block(before, inner, stride=stride, dilation=max(dilation // 2, 1))
        rest = [block(after, inner, dilation=dilation) for _ in range(blocks - 1)]
        stages.append(nn.Sequential(first, *rest))
        channels.append(after)
        before = after
    return ResNet(stem=_deep_stem(stem), stages=stages, channels=channels)


def _deep_stem(widths: Sequence[int]) -> nn.Sequential:
    """3x3 convolutions, the first with stride 2, each with batch norm and ReLU."""
    layers: list[nn.Module] = []
    for index, (before, after) in enumerate(pairwise((3, *widths))):
        layers += [conv2d(before, after, 3, stride=2 if index == 0 else 1), nn.BatchNorm2d(after), nn.ReLU(True)]
    return nn.Sequential(*layers)


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Sequential | None:
    if in_channels == out_channels and stride == 1:
        return None
    return nn.Sequential(conv2d(in_channels, out_channels, 1, stride=stride), nn.BatchNorm2d(out_channels))
