"""Points at which masks are compared: drawn, chosen where a mask is unsure, and read.

Points are (x, y) in 0..1 of the padded frame, so that masks and labels of any stride are read at the same places.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64, UInt8
from torch import Tensor


def draw_points(sets: int, count: int, generator: torch.Generator) -> Float[Tensor, "n p 2"]:
    """`sets` sets of `count` points, uniform, on the generator's device."""
    return torch.rand(sets, count, 2, generator=generator, device=generator.device)


def draw_unsure_points(
    masks: Float[Tensor, "n h w"], count: int, *, oversampling: int, importance: float, generator: torch.Generator
) -> Float[Tensor, "n p 2"]:
    """`count` points for each mask of logits, a share of `importance` of them where the logits are nearest 0.

    Those are the best of `oversampling` times `count` drawn; the others are uniform (PointRend, Sec. 3.1).
    """
    candidates = draw_points(len(masks), count * oversampling, generator)
    chosen = int(importance * count)
    unsure = read_masks(masks, candidates).abs().neg().topk(chosen, dim=1).indices
    kept = candidates.gather(1, unsure[..., None].expand(-1, -1, 2))
    return torch.cat((kept, draw_points(len(masks), count - chosen, generator)), dim=1)


def read_masks(masks: Float[Tensor, "n h w"], points: Float[Tensor, "n p 2"]) -> Float[Tensor, "n p"]:
    """Each mask at its own points, bilinearly, 0 beyond the border."""
    read = F.grid_sample(masks[:, None], 2 * points[:, :, None] - 1, mode="bilinear", align_corners=False)
    return read[:, 0, :, 0]


def read_classes(
    labels: UInt8[Tensor, "h w"], classes: Int64[Tensor, " n"], points: Float[Tensor, "n p 2"]
) -> Float[Tensor, "n p"]:
    """The binary mask of each class at its points, bilinearly, 0 beyond the border; no mask is ever stored.

    The same as `read_masks` of `labels == class`.
    """
    height, width = labels.shape
    at = points * points.new_tensor([width, height]) - 0.5
    low = at.floor()
    share = at - low
    low = low.long()
    total = torch.zeros(points.shape[:2], device=points.device)
    for right in (0, 1):
        for below in (0, 1):
            x, y = low[..., 0] + right, low[..., 1] + below
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            found = labels[y.clamp(0, height - 1), x.clamp(0, width - 1)]
            weight = (share[..., 0] if right else 1 - share[..., 0]) * (share[..., 1] if below else 1 - share[..., 1])
            total += weight * (inside & (found == classes[:, None]))
    return total
