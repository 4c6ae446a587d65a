"""DVSNet's segmentation network: DeepLabv2's pyramid on a ResNet at stride 16."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from baselines.original.resnet import build_stride16_resnet
from mpvss.stages import stage

THIRD_STAGE = (1, 4, 2, 2)
"""Dilation of the third stage's first block, then of every three that follow."""
FOURTH_STAGE = (4, 8, 16)
RATES = (6, 12, 18)
WIDTH = 4
"""Channels of the pyramid over the width of the backbone: 256, where that is 64."""


class DilatedDeepLab(nn.Module):
    """Dilated convolutions of the last map, summed; then two 1x1 convolutions, with no ReLU in between."""

    def __init__(self, num_classes: int, *, depth: int = 101, width: int = 64, shrink: int = 1) -> None:
        """`width` is `build_stride16_resnet`'s. Dilations and rates are divided by `shrink`, for small regions."""
        super().__init__()
        first, *rest = (max(dilation // shrink, 1) for dilation in THIRD_STAGE)
        fourth = [max(dilation // shrink, 1) for dilation in FOURTH_STAGE]
        # Blocks after the first repeat the three dilations; no third stage here has over 31.
        self.backbone = build_stride16_resnet(depth, dilations=((first, *rest * 10), fourth), width=width)
        channels, wide = self.backbone.out_channels[-1], WIDTH * width
        rates = [max(rate // shrink, 1) for rate in RATES]
        convs = [nn.Conv2d(channels, wide, 3, padding=rate, dilation=rate) for rate in rates]
        self.pyramid = nn.ModuleList(
            nn.Sequential(conv, nn.BatchNorm2d(wide)) for conv in (*convs, nn.Conv2d(channels, wide, 1))
        )
        self.classify = nn.Sequential(
            nn.Conv2d(wide, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.Conv2d(wide, num_classes, 1, bias=False),
        )

    @stage("backbone")
    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b k h16 w16"]:
        """Class scores, at 1/16, of centred BGR images of 255 grey levels."""
        last = self.backbone(image)[-1]
        summed, *others = (branch(last) for branch in self.pyramid)
        for branch in others:
            summed = summed + branch
        return self.classify(summed)
