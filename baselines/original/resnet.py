"""ResNets at stride 16 of the oldest kind: a 7x7 stem, and strides in the first 1x1 convolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn

from baselines.cnn.layers import conv2d
from baselines.cnn.resnet import DEPTHS, Bottleneck, ResNet
from mpvss.errors import UserError


def build_stride16_resnet(
    depth: int,
    *,
    dilations: Sequence[Sequence[int]],
    last_conv: Callable[[], nn.Module] | None = None,
    width: int = 64,
) -> ResNet:
    """ResNet-50 or -101, whose last stage has no stride.

    `dilations` are those of the third and of the fourth stage's blocks, repeated until there are enough. `last_conv`
    makes what takes the place of the fourth stage's 3x3 convolutions. `width` is the channels in the middle of the
    first stage's blocks; they double from stage to stage, and come out four times as wide.
    """
    if depth not in (50, 101):
        raise UserError(f"there is no ResNet-{depth} with bottlenecks at stride 16 here; known depths are 50, 101")
    before, stages = width, []
    cycles = ((1,), (1,), *dilations)
    for index, (blocks, cycle) in enumerate(zip(DEPTHS[depth], cycles, strict=True)):
        inner = width << index
        stage = []
        for block in range(blocks):
            stride = 2 if block == 0 and index in (1, 2) else 1
            stage.append(
                Bottleneck(before, inner, stride=stride, dilation=cycle[block % len(cycle)], stride_first=True)
            )
            before = 4 * inner
            if index == 3 and last_conv is not None:
                stage[-1].conv2 = last_conv()
        stages.append(nn.Sequential(*stage))
    stem = nn.Sequential(conv2d(3, width, 7, stride=2), nn.BatchNorm2d(width), nn.ReLU(True))
    return ResNet(stem=stem, stages=stages, channels=[4 * (width << index) for index in range(4)])
