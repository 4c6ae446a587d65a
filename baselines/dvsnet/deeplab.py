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
WIDTH = 256


class DilatedDeepLab(nn.Module):
    """Dilated convolutions of the last map, summed; then two 1x1 convolutions, with no ReLU in between."""

    def __init__(self, num_classes: int, *, depth: int = 101) -> None:
        super().__init__()
        first, *rest = THIRD_STAGE
        # Blocks after the first repeat the three dilations; no third stage here has over 31.
        self.backbone = build_stride16_resnet(depth, dilations=((first, *rest * 10), FOURTH_STAGE))
        channels = self.backbone.out_channels[-1]
        convs = [nn.Conv2d(channels, WIDTH, 3, padding=rate, dilation=rate) for rate in RATES]
        self.pyramid = nn.ModuleList(
            nn.Sequential(conv, nn.BatchNorm2d(WIDTH)) for conv in (*convs, nn.Conv2d(channels, WIDTH, 1))
        )
        self.classify = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH, 1, bias=False),
            nn.BatchNorm2d(WIDTH),
            nn.Conv2d(WIDTH, num_classes, 1, bias=False),
        )

    @stage("backbone")
    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b k h16 w16"]:
        """Class scores, at 1/16, of centred BGR images of 255 grey levels."""
        last = self.backbone(image)[-1]
        summed, *others = (branch(last) for branch in self.pyramid)
        for branch in others:
            summed = summed + branch
        return self.classify(summed)
