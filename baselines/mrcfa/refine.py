"""Affinities refined as images: at each scale alone, then from coarse to fine."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mpvss.layers import map_size


class ConvChain(nn.Module):
    """Convolutions, each followed by a norm over the whole image and ReLU; the size stays."""

    def __init__(self, channels: Sequence[int], kernels: Sequence[int]) -> None:
        """`channels` from the input on, one more than `kernels`."""
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, kernel, padding=kernel // 2)
            for (before, after), kernel in zip(itertools.pairwise(channels), kernels, strict=True)
        )
        self.norms = nn.ModuleList(nn.GroupNorm(1, after) for after in channels[1:])

    def forward(self, x: Float[Tensor, "n i h w"]) -> Float[Tensor, "n o h w"]:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.relu_(norm(conv(x)))
        return x


class AffinityRefiner(nn.Module):
    """Single-scale refinement, then multi-scale aggregation, of the affinities to one reference token each.

    `deep` is the variant with two convolutions in the place of one, and two channels between the scales.
    """

    def __init__(self, *, deep: bool) -> None:
        super().__init__()
        kernels = ((5, 3), (3, 3), (3, 3)) if deep else ((5,), (5,), (3,))
        single = (1, 1, 2) if deep else (1, 1)
        self.scales = nn.ModuleList(ConvChain(single, of_scale) for of_scale in kernels)
        to_middle, to_fine = ((2, 2, 2), (2, 2, 1)) if deep else ((1, 1), (1, 1))
        self.merge = nn.ModuleList(ConvChain(widths, (3,) * (len(widths) - 1)) for widths in (to_middle, to_fine))

    def forward(
        self, fine: Float[Tensor, "n 1 h w"], middle: Float[Tensor, "n 1 mh mw"], coarse: Float[Tensor, "n 1 ch cw"]
    ) -> Float[Tensor, "n 1 h w"]:
        """One image for each reference token, over the target's map at 1/8; given at 1/8, 1/16 and 1/32."""
        fine, middle, x = (chain(image) for chain, image in zip(self.scales, (fine, middle, coarse), strict=True))
        for chain, finer in zip(self.merge, (middle, fine), strict=True):
            x = chain(F.interpolate(x, map_size(finer), mode="bilinear", align_corners=True) + finer)
        return x
