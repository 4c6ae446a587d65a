"""DVSNet's decision network: how much of a warped segmentation would be right."""

from __future__ import annotations

import itertools

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from baselines.cnn.layers import resize
from baselines.dvsnet.flow import ENCODER_WIDTHS
from mpvss.motion.encoder import SLOPE
from mpvss.stages import stage

GRID = (4, 8)
"""Height and width that features are resized to."""
CHANNELS = 96
WIDTHS = (GRID[0] * GRID[1] * CHANNELS, 1024, 1024, 10, 1)
DROPOUT = 0.5


class DecisionNetwork(nn.Module):
    """A 3x3 convolution and four linear layers, each with a leaky ReLU, the last too; dropout between them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(ENCODER_WIDTHS[-1], CHANNELS, 3, padding=1)
        self.linear = nn.ModuleList(nn.Linear(before, after) for before, after in itertools.pairwise(WIDTHS))
        self.dropout = nn.Dropout(DROPOUT)

    @stage("decision")
    def forward(self, features: Float[Tensor, "b c _ _"]) -> Float[Tensor, " b"]:
        """The percentage of each region's pixels where warping and segmenting it would agree, 0 to 100."""
        x = F.leaky_relu_(self.conv(resize(features, GRID)), SLOPE).flatten(1)
        *hidden, last = self.linear
        for layer in hidden:
            x = self.dropout(F.leaky_relu_(layer(x), SLOPE))
        return F.leaky_relu_(last(x), SLOPE)[:, 0].clamp(0, 100)
