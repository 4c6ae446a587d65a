"""The small branch of Accel-18 and -34: a pre-activation ResNet with a deformable last stage."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from baselines.cnn.layers import conv2d
from baselines.original.deeplab import FEATURES
from baselines.original.deformable import DeformableConv

DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


class PreactivationBlock(nn.Module):
    """Norm, ReLU and a 3x3 convolution, twice, beside a shortcut that starts after the first ReLU where it is one."""

    def __init__(self, in_channels: int, channels: int, *, stride: int, first: bool) -> None:
        """A stage's `first` block has a convolution as its shortcut."""
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = conv2d(in_channels, channels, 3, stride=stride)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv2 = conv2d(channels, channels, 3)
        self.shortcut = conv2d(in_channels, channels, 1, stride=stride) if first else None

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o oh ow"]:
        activated = F.relu(self.bn1(x))
        out = self.conv2(F.relu_(self.bn2(self.conv1(activated))))
        return out + (x if self.shortcut is None else self.shortcut(activated))


class DeformableBlock(nn.Module):
    """A plain and a deformable 3x3 convolution beside a shortcut."""

    def __init__(self, in_channels: int, channels: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = conv2d(in_channels, channels, 3, stride=stride)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = DeformableConv(channels)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = None
        if stride != 1:
            self.shortcut = nn.Sequential(conv2d(in_channels, channels, 1, stride=stride), nn.BatchNorm2d(channels))

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o oh ow"]:
        out = self.bn2(self.conv2(F.relu_(self.bn1(self.conv1(x)))))
        return F.relu_(out + (x if self.shortcut is None else self.shortcut(x)))


class PreactivationResNet(nn.Module):
    """ResNet-18 or -34 at stride 32, its features upsampled to 2048 channels at 1/16 by a transposed convolution."""

    def __init__(self, depth: int, *, width: int = 64) -> None:
        """`width` is the channels of the first stage; the features have 32 times as many."""
        super().__init__()
        self.bn_data = nn.BatchNorm2d(3)
        self.stem = nn.Sequential(conv2d(3, width, 7, stride=2), nn.BatchNorm2d(width), nn.ReLU(True))
        *plain, deformable = DEPTHS[depth]
        before, blocks = width, []
        for index, count in enumerate(plain):
            channels = width << index
            for block in range(count):
                stride = 2 if index and block == 0 else 1
                blocks.append(PreactivationBlock(before, channels, stride=stride, first=block == 0))
                before = channels
        for block in range(deformable):
            blocks.append(DeformableBlock(before, 8 * width, stride=2 if block == 0 else 1))
            before = 8 * width
        self.blocks = nn.Sequential(*blocks)
        self.upsample = nn.ConvTranspose2d(before, FEATURES * width, 4, stride=2, padding=1, bias=False)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h16 w16"]:
        x = F.max_pool2d(self.stem(self.bn_data(image)), 3, stride=2, padding=1)
        return self.upsample(self.blocks(x))
