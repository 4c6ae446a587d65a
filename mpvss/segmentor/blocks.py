"""Labels without most of the scores: by bounds that hold for whole blocks of pixels."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

BAND = 4
"""Rows of blocks that are worked on at once, so that it stays in a processor's cache."""
ROUNDING = 1e-5
"""The rounding in float32 that bounds allow for, as a share of the highest score."""


def labels_by_blocks(
    class_weights: Float[Tensor, "q c"],
    mask_logits: Float[Tensor, "q h w"],
    offset: Float[Tensor, " c"] | None,
    size: tuple[int, int],
    stride: int,
) -> UInt8[Tensor, "fh fw"]:
    """The labels of the `MaskPrediction` whose fields these are; `size` is the frame's (fh, fw).

    A block is the `stride` x `stride` pixels between four points of the mask grid. In it no mask leaves the range that
    it has at the corners, which bounds the score of every class. If the least that one class can have is more than any
    other can reach, it is the label of the whole block. In the blocks that this leaves open the scores are computed, of
    the classes that are within reach in any of them. How much work that is depends on what the masks hold.
    """
    # Half precision has not the digits for bounds.
    dtype = torch.promote_types(class_weights.dtype, torch.float32)
    class_weights, mask_logits = class_weights.to(dtype), mask_logits.to(dtype)
    offset = None if offset is None else offset.to(dtype)
    (height, width), half = size, stride // 2
    rows, columns = (-(-(extent + half) // stride) for extent in size)
    # The masks of a point side by side; beyond the outer points a mask stays as it is there.
    grid = F.pad(mask_logits[None], (1, 1, 1, 1), mode="replicate")[0, :, : rows + 1, : columns + 1]
    grid = grid.permute(1, 2, 0).contiguous()
    shares = ((torch.arange(stride, device=grid.device) + 0.5) / stride).to(grid.dtype)[:, None]
    bands = []
    for top in range(0, rows, BAND):
        points = grid[top : top + BAND + 1]
        labels, possible = _bounded(class_weights, points.sigmoid(), offset)
        labels = labels[:, None].repeat(1, stride * stride)
        unsure = (possible.sum(1) > 1).nonzero()[:, 0]
        if len(unsure):
            classes = possible[unsure].any(0).nonzero()[:, 0]
            row, column = unsure // columns, unsure % columns
            upper, lower = (
                torch.lerp(points[at, column, None], points[at, column + 1, None], shares)[:, None]
                for at in (row, row + 1)
            )
            masks = torch.lerp(upper, lower, shares[:, None]).sigmoid_().flatten(0, 2)
            scores = class_weights[:, classes].T @ masks.T
            if offset is not None:
                scores += offset[classes, None]
            labels[unsure] = classes.to(torch.uint8)[first_highest(scores).long()].view(len(unsure), -1)
        bands.append(labels.view(-1, columns, stride, stride).transpose(1, 2).flatten(2, 3).flatten(0, 1))
    return torch.cat(bands)[half : half + height, half : half + width]


def first_highest(scores: Float[Tensor, "c ..."]) -> UInt8[Tensor, "..."]:
    """The class of the highest score, the first among equals: the argmax, for all finite scores of 1 to 255 classes.

    Torch finds a maximum along the first axis in a tenth of the time that it takes to say where it is. So the gap to
    the maximum is stretched until even the smallest gap that the format knows is wider than all class numbers, which
    are then subtracted in steps too small to bridge it. What is left of the maximum is its class number.
    """
    scores = scores.to(torch.promote_types(scores.dtype, torch.float32))  # half precision has no room to stretch
    limits = torch.finfo(scores.dtype)
    stretch = 2.0 ** (math.frexp(limits.max)[1] - 1)
    smallest_gap = limits.smallest_normal * limits.eps
    step = smallest_gap * stretch / 256
    below = scores - scores.amax(0)
    before = torch.arange(0, -len(scores), -1, device=scores.device, dtype=scores.dtype)
    before = before.view(-1, *[1] * (scores.ndim - 1))
    return below.mul_(stretch).add_(before, alpha=step).amax(0).mul_(-1 / step).to(torch.uint8)


def _bounded(
    class_weights: Float[Tensor, "q c"], masks: Float[Tensor, "r w q"], offset: Float[Tensor, " c"] | None
) -> tuple[UInt8[Tensor, " n"], Tensor]:
    """The class of the highest least score in each block between points, and the classes that may reach that."""
    low, high = (_of_corners(extreme, masks) for extreme in (torch.minimum, torch.maximum))
    middle = (low + high) / 2 @ class_weights
    if offset is not None:
        middle += offset
    reach = (high - low) / 2 @ class_weights.abs() + ROUNDING * middle.abs().amax()
    best, label = (middle - reach).max(1)
    return label.to(torch.uint8), middle + reach >= best[:, None]


def _of_corners(extreme: Callable[[Tensor, Tensor], Tensor], points: Float[Tensor, "r w q"]) -> Float[Tensor, "n q"]:
    """The least or the highest value at the four corners of each block between points."""
    points = extreme(points[:, :-1], points[:, 1:])
    return extreme(points[:-1], points[1:]).flatten(0, 1)
