"""Points at which masks are compared: drawn, chosen where a mask is unsure, and read.

Points are (x, y) in 0..1 of the padded frame, so that masks and labels of any stride are read at the same places.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int32, Int64, UInt8
from torch import Tensor

from mpvss.layers import constant

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
    unsure = _least(read_masks(masks, candidates).abs(), chosen)
    kept = candidates.gather(1, unsure[..., None].expand(-1, -1, 2))
    return torch.cat((kept, draw_points(len(masks), count - chosen, generator)), dim=1)


def _least(values: Float[Tensor, "n p"], count: int) -> Int64[Tensor, "n k"]:
    """The places of the `count` least values of each row, in no order."""
    if not values.is_cpu:
        return values.topk(count, dim=1, largest=False, sorted=False).indices
    # On a CPU in a sixth of the time.
    return torch.from_numpy(np.argpartition(values.detach().numpy(), count, axis=1)[:, :count])


def read_masks(masks: Float[Tensor, "n h w"], points: Float[Tensor, "n p 2"]) -> Float[Tensor, "n p"]:
    """Each mask at its own points, bilinearly, 0 beyond the border."""
    grid = (2 * points).sub_(1)[:, :, None]
    return F.grid_sample(masks[:, None], grid, mode="bilinear", align_corners=False)[:, 0, :, 0]


def read_channels(maps: Float[Tensor, "n c h w"], points: Float[Tensor, "n p 2"]) -> Float[Tensor, "n p c"]:
    """All channels of each map at the map's points, as `read_masks` reads one. It has no gradient."""
    count, channels, height, width = maps.shape
    table = F.pad(maps.detach().permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    rows, shares = _corners(points, (height, width))
    firsts = torch.arange(count, device=maps.device, dtype=rows.dtype) * ((height + 2) * (width + 2))
    rows = rows + firsts[:, None, None]
    return _read_rows(table.reshape(-1, channels), rows, shares)


def read_classes(
    labels: UInt8[Tensor, "h w"], classes: Int64[Tensor, " k"], points: Float[Tensor, "n p 2"]
) -> Float[Tensor, "n p k"]:
    """The binary mask of each class at points, as `read_masks` reads `labels == class`."""
    bordered = F.pad(labels.short(), (1, 1, 1, 1), value=-1)  # the border is no class
    table = (bordered.view(-1, 1) == classes).float()
    rows, shares = _corners(points, (labels.shape[0], labels.shape[1]))
    return _read_rows(table, rows, shares)


def _corners(
    points: Float[Tensor, "n p 2"], size: tuple[int, int]
) -> tuple[Int32[Tensor, "n p 4"], Float[Tensor, "n p 4"]]:
    """The four pixels around each point, counted row by row in a map with a border of one pixel, and their shares."""
    height, width = size
    at = points * constant((width, height), points.device, points.dtype) - 0.5
    low = at.floor()
    right, below = (at - low).unbind(-1)
    left, above = 1 - right, 1 - below
    column, row = low.int().unbind(-1)
    corner = (row * (width + 2) + column)[..., None]
    first = width + 3  # inside the border
    steps = constant((first, first + 1, first + width + 2, first + width + 3), points.device, torch.int32)
    return corner + steps, torch.stack((left * above, right * above, left * below, right * below), dim=-1)


def _read_rows(
    table: Float[Tensor, "r c"], rows: Int32[Tensor, "n p 4"], shares: Float[Tensor, "n p 4"]
) -> Float[Tensor, "n p c"]:
    """The sum of four rows of a table for each point, weighted by their shares."""
    read = F.embedding_bag(rows.view(-1, 4), table, per_sample_weights=shares.view(-1, 4), mode="sum")
    return read.view(*rows.shape[:2], -1)
