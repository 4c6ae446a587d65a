"""ResNets at stride 16 of the oldest kind: a 7x7 stem, and strides in the first 1x1 convolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn

from baselines.cnn.layers import conv2d
from baselines.cnn.resnet import DEPTHS, Bottleneck, ResNet
from mpvss.errors import UserError

WIDTHS = (64, 128, 256, 512)
"""Channels in the middle of each stage's blocks; they come out four times as wide."""


def build_stride16_resnet(
    depth: int, *, dilations: Sequence[Sequence[int]], last_conv: Callable[[], nn.Module] | None = None
) -> ResNet:
    """ResNet-50 or -101, whose last stage has no stride.

    `dilations` are those of the third and of the fourth stage's blocks, repeated until there are enough. `last_conv`
    makes what takes the place of the fourth stage's 3x3 convolutions.
    """
    if depth not in (50, 101):
        raise UserError(f"there is no ResNet-{depth} with bottlenecks at stride 16 here; known depths are 50, 101")
    before, stages = 64, []
    cycles = ((1,), (1,), *dilations)
    for index, (blocks, width, cycle) in enumerate(zip(DEPTHS[depth], WIDTHS, cycles, strict=True)):
        stage = []
        for block in range(blocks):
            stride = 2 if block == 0 and index in (1, 2) else 1
            stage.append(
                Bottleneck(before, width, stride=stride, dilation=cycle[block % len(cycle)], stride_first=True)
            )
            before = 4 * width
            if index == 3 and last_conv is not None:
                stage[-1].conv2 = last_conv()
        stages.append(nn.Sequential(*stage))
    stem = nn.Sequential(conv2d(3, 64, 7, stride=2), nn.BatchNorm2d(64), nn.ReLU(True))
    return ResNet(stem=stem, stages=stages, channels=[4 * width for width in WIDTHS])
