"""Pixel-wise flow from a pyramid of maps, coarse to fine: FlowNetS's expanding half."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mpvss.motion.encoder import SLOPE
from mpvss.stages import stage


class CoarseToFineFlow(nn.Module):
    """Predicts a flow at each level, upsamples it and the features, and joins both to the next map."""

    def __init__(self, level_channels: Sequence[int], widths: Sequence[int]) -> None:
        """Make the convolutions.

        Args:
            level_channels: channels of the maps, from coarse to fine.
            widths: channels of the upsampled features that join each map but the first.

        """
        super().__init__()
        coarsest, *finer = level_channels
        joined = [coarsest] + [level + width + 2 for level, width in zip(finer, widths, strict=True)]
        self.predict = nn.ModuleList(nn.Conv2d(channels, 2, 3, padding=1, bias=False) for channels in joined)
        self.deconv = nn.ModuleList(
            _upsampling(channels, width) for channels, width in zip(joined, widths, strict=False)
        )
        self.upsample = nn.ModuleList(_upsampling(2, 2) for _ in widths)

    def forward(self, levels: Sequence[Tensor]) -> Float[Tensor, "b 2 h w"]:
        """The flow at the finest of the `levels`, which come from coarse to fine."""
        return self.every_level(levels)[-1]

    @stage("flow head")
    def every_level(self, levels: Sequence[Tensor]) -> list[Float[Tensor, "b 2 _ _"]]:
        """The flow at each of the `levels`, from coarse to fine, as multi-scale losses need them."""
        joined, *finer = levels
        flows = []
        for index, level in enumerate(finer):
            size = level.shape[-2:]
            flows.append(self.predict[index](joined))
            flow = _crop(self.upsample[index](flows[-1]), size)
            features = _crop(F.leaky_relu_(self.deconv[index](joined), SLOPE), size)
            joined = torch.cat((level, features, flow), dim=1)
        return [*flows, self.predict[-1](joined)]


def _upsampling(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=False)


def _crop(x: Tensor, size: torch.Size) -> Tensor:
    """Maps of odd sides come back from a doubling one too large."""
    return x[..., : size[0], : size[1]]
