"""FlowNetS as the first video methods changed it: biases, a scale map, and widths and strides of their own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mpvss.motion.encoder import SLOPE


class Refinement(nn.Module):
    """The expanding half: at each level a flow is predicted, upsampled, and joined with features to the next map.

    `level_channels` are the maps' from coarse to fine, `widths` those that features are upsampled to on the way.
    """

    def __init__(self, level_channels: Sequence[int], widths: Sequence[int], *, bias: bool) -> None:
        """`bias` is whether transposed convolutions have one."""
        super().__init__()
        coarsest, *finer = level_channels
        joined = [coarsest, *(level + width + 2 for level, width in zip(finer, widths, strict=True))]
        self.out_channels = joined.pop()
        self.predict = nn.ModuleList(nn.Conv2d(channels, 2, 3, padding=1) for channels in joined)
        self.deconv = nn.ModuleList(
            nn.ConvTranspose2d(channels, width, 4, stride=2, padding=1, bias=bias)
            for channels, width in zip(joined, widths, strict=True)
        )
        self.upsample = nn.ModuleList(nn.ConvTranspose2d(2, 2, 4, stride=2, padding=1, bias=bias) for _ in widths)

    def forward(self, levels: Sequence[Tensor]) -> Float[Tensor, "b c h w"]:
        """The last joined map, from maps that come from coarse to fine."""
        joined, *finer = levels
        for index, level in enumerate(finer):
            height, width = level.shape[2:]
            features = F.leaky_relu_(self.deconv[index](joined), SLOPE)
            flow = self.upsample[index](self.predict[index](joined))
            # Maps of odd sides come back one too large.
            joined = torch.cat((level, features[..., :height, :width], flow[..., :height, :width]), dim=1)
        return joined
