"""DVSNet's decision network: how much of a warped segmentation would be right."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

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
WIDTHS = (1024, 1024, 10)
"""Of the linear layers but the last, which has one output."""
DROPOUT = 0.5


class DecisionNetwork(nn.Module):
    """A 3x3 convolution and four linear layers, each with a leaky ReLU, the last too; dropout between them."""

    def __init__(
        self,
        in_channels: int = ENCODER_WIDTHS[-1],
        *,
        channels: int = CHANNELS,
        widths: Sequence[int] = WIDTHS,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, padding=1)
        of_layers = (GRID[0] * GRID[1] * channels, *widths, 1)
        self.linear = nn.ModuleList(nn.Linear(before, after) for before, after in itertools.pairwise(of_layers))
        self.dropout = nn.Dropout(DROPOUT)

    @stage("decision")
    def forward(self, features: Float[Tensor, "b c _ _"]) -> Float[Tensor, " b"]:
        """The percentage of each region's pixels where warping and segmenting it would agree, 0 to 100."""
        return self.regressed(features).clamp(0, 100)

    def regressed(self, features: Float[Tensor, "b c _ _"]) -> Float[Tensor, " b"]:
        """The same, not held to 0 to 100, for training."""
        x = F.leaky_relu_(self.conv(resize(features, GRID)), SLOPE).flatten(1)
        *hidden, last = self.linear
        for layer in hidden:
            x = self.dropout(F.leaky_relu_(layer(x), SLOPE))
        return F.leaky_relu_(last(x), SLOPE)[:, 0]
