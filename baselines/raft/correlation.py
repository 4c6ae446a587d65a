"""The correlation of all pairs of pixels, pooled to a pyramid, and its lookup around a flow (Sec. 3.2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from mpvss.layers import constant

LEVELS = 4
RADIUS = 4
SAMPLES = LEVELS * (2 * RADIUS + 1) ** 2
"""Numbers that a lookup reads for a pixel."""


def correlation_pyramid(
    first: Float[Tensor, "b c h w"], second: Float[Tensor, "b c h w"]
) -> list[Float[Tensor, "n 1 _ _"]]:
    """Scaled products of each pixel of `first` (n of them, image by image) with the map `second`, halved thrice."""
    height, width = second.shape[2:]
    products = first.flatten(2).transpose(1, 2) @ second.flatten(2) / first.shape[1] ** 0.5
    level = products.reshape(-1, 1, height, width)
    pyramid = [level]
    for _ in range(LEVELS - 1):
        level = F.avg_pool2d(level, 2)
        pyramid.append(level)
    # A side of one pixel has no corners to align. What lies outside is zero, so it can be made two.
    return [F.pad(x, (0, int(x.shape[3] == 1), 0, int(x.shape[2] == 1))) for x in pyramid]


def look_up(pyramid: list[Tensor], position: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b s h w"]:
    """The pyramid around each pixel's `position` (x, y) in the second map: windows of 9x9 at every level.

    Zero outside the map. In a window, x changes slowest, as in the published program.
    """
    batch, _, height, width = position.shape
    offset = torch.arange(-RADIUS, RADIUS + 1, device=position.device, dtype=position.dtype)
    window = torch.stack(torch.meshgrid(offset, offset, indexing="ij"), dim=-1)  # (9, 9, 2): x, y
    centre = position.permute(0, 2, 3, 1).reshape(-1, 1, 1, 2)
    found = []
    for index, level in enumerate(pyramid):
        at = centre / 2**index + window
        span = constant((level.shape[3] - 1, level.shape[2] - 1), at.device, at.dtype)
        read = F.grid_sample(level, 2 * at / span - 1, align_corners=True)
        found.append(read.reshape(batch, height, width, -1))
    return torch.cat(found, dim=-1).permute(0, 3, 1, 2)
