"""Points at which masks are compared: drawn, chosen where a mask is unsure, and read.

Points are (x, y) in 0..1 of the padded frame, so that masks and labels of any stride are read at the same places.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

OVERSAMPLING = 3
"""Points drawn for each point wanted, of which the least sure are chosen."""
IMPORTANCE = 0.75
"""The share of points that lie where a mask is least sure."""


def draw_points(sets: int, count: int, generator: torch.Generator) -> Float[Tensor, "n p 2"]:
    """`sets` sets of `count` points, uniform, on the generator's device."""
    return torch.rand(sets, count, 2, generator=generator, device=generator.device)


def draw_unsure_points(masks: Float[Tensor, "n h w"], count: int, generator: torch.Generator) -> Float[Tensor, "n p 2"]:
    """`count` points for each mask of logits, a share of `IMPORTANCE` of them where the logits are nearest 0.

    Those are the best of `OVERSAMPLING` times `count` drawn; the others are uniform (PointRend, Sec. 3.1).
    """
    candidates = draw_points(len(masks), count * OVERSAMPLING, generator)
    chosen = int(IMPORTANCE * count)
    unsure = read_masks(masks, candidates).abs().topk(chosen, dim=1, largest=False, sorted=False).indices
    kept = candidates.gather(1, unsure[..., None].expand(-1, -1, 2))
    return torch.cat((kept, draw_points(len(masks), count - chosen, generator)), dim=1)


def read_masks(masks: Float[Tensor, "n h w"], points: Float[Tensor, "m p 2"]) -> Float[Tensor, "n p"]:
    """Each mask at its own points (m = n), or all at the same (m = 1), bilinearly, 0 beyond the border."""
    maps = masks[None] if len(points) == 1 else masks[:, None]
    return read_maps(maps, points).view(len(masks), -1)


def read_maps(maps: Float[Tensor, "n c h w"], points: Float[Tensor, "n p 2"]) -> Float[Tensor, "n c p"]:
    """All channels of each map at the map's points, bilinearly, 0 beyond the border."""
    return F.grid_sample(maps, 2 * points[:, :, None] - 1, mode="bilinear", align_corners=False)[..., 0]


def read_classes(
    labels: UInt8[Tensor, "h w"], classes: Int64[Tensor, " n"], points: Float[Tensor, "m p 2"]
) -> Float[Tensor, "n p"]:
    """The binary mask of each class, read as `read_masks` reads `labels == class`; no mask is ever stored."""
    height, width = labels.shape
    at = points * points.new_tensor([width, height]) - 0.5
    low = at.floor()
    right, below = (at - low).unbind(-1)
    left, above = 1 - right, 1 - below
    bordered = F.pad(labels.short(), (1, 1, 1, 1), value=-1)  # a point has four neighbours then; the border is no class
    column, row = (low.long() + 1).unbind(-1)
    corner = row * (width + 2) + column
    wanted = classes.to(bordered.dtype)[:, None]
    total = torch.zeros((), device=points.device)
    for step, weight in ((0, left * above), (1, right * above), (width + 2, left * below), (width + 3, right * below)):
        total = total + weight * (bordered.take(corner + step) == wanted)
    return total
