"""Hungarian matching of queries to segments of the ground truth (Mask2Former, Sec. 3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64, UInt8
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from mpvss.labels import IGNORE
from mpvss.training.points import draw_points, read_channels, read_classes

CLASS_WEIGHT = 2.0
"""The weight of class probabilities in the matching, and of their cross-entropy in the loss."""
MASK_WEIGHT = 5.0
"""The weight of the cross-entropy of masks, in both."""
DICE_WEIGHT = 5.0
"""The weight of dice, in both."""


@dataclass(frozen=True)
class Match:
    """Pairs of a query and a segment, in the order of the queries."""

    queries: Int64[Tensor, " m"]
    targets: Int64[Tensor, " m"]
    """Indices into the segments' classes."""


def classes_in(labels: UInt8[Tensor, "h w"]) -> Int64[Tensor, " k"]:
    """The classes that a label map shows, ascending; each is one segment. `IGNORE` is none."""
    return labels.flatten().bincount(minlength=IGNORE + 1)[:IGNORE].nonzero()[:, 0]


@torch.no_grad()
def match(
    class_logits: Float[Tensor, "l q c"],
    mask_logits: Float[Tensor, "l q h w"],
    labels: UInt8[Tensor, "lh lw"],
    classes: Int64[Tensor, " k"],
    *,
    points: int,
    generator: torch.Generator,
) -> list[Match]:
    """The best one-to-one assignment of queries to an image's segments, for each of `l` decoder layers.

    Masks are compared at `points` uniform points, drawn anew for each layer, shared by its queries. Of segments
    that outnumber the queries some go unmatched. A cost that is not finite counts as the greatest there is.
    """
    at = draw_points(len(mask_logits), points, generator)
    truth = read_classes(labels, classes, at)
    read = read_channels(mask_logits, at)
    cost = MASK_WEIGHT * _mask_cost(read, truth) - CLASS_WEIGHT * class_logits.softmax(-1)[:, :, classes]
    cost = cost + DICE_WEIGHT * _dice_cost(read, truth)
    greatest = torch.finfo(torch.float32).max
    costs = torch.nan_to_num(cost, nan=greatest, posinf=greatest, neginf=greatest).cpu().numpy()
    pairs = torch.from_numpy(np.array([linear_sum_assignment(of_layer) for of_layer in costs])).to(labels.device)
    return [Match(queries, targets) for queries, targets in pairs.long()]


def _mask_cost(logits: Float[Tensor, "l p q"], truth: Float[Tensor, "l p k"]) -> Float[Tensor, "l q k"]:
    """The mean binary cross-entropy of each query's mask against each segment's.

    The cross-entropy of a logit x and a truth t is softplus(x) - t x, so that one product serves all points.
    """
    outside = F.softplus(logits).sum(1)[..., None]
    return torch.baddbmm(outside, logits.mT, truth, alpha=-1) / logits.shape[1]


def _dice_cost(logits: Float[Tensor, "l p q"], truth: Float[Tensor, "l p k"]) -> Float[Tensor, "l q k"]:
    masks = logits.sigmoid()
    overlap = 2 * (masks.mT @ truth)
    return 1 - (overlap + 1) / (masks.sum(1)[..., None] + truth.sum(1)[:, None] + 1)
