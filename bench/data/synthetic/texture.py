"""Noise to make textures of: from random integers by sums and products alone, so the same on every machine."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from bench.data.synthetic.affine import Number


def noise(
    rng: np.random.Generator,
    shape: tuple[int, int],
    cell: Number | tuple[Number, Number],
    wraps: bool = False,
) -> Float32[np.ndarray, "h w"]:
    """Smooth noise within -1..1.

    Args:
        rng: where the values come from.
        shape: height and width.
        cell: how far apart independent values lie, in texels; one figure, or one down and one across.
        wraps: whether the right edge goes over into the left one.

    """
    down, across = cell if isinstance(cell, tuple) else (cell, cell)
    rows, row_weight = _knots(shape[0], max(down, 1.0))
    columns, column_weight = _knots(shape[1], max(across, 1.0))
    grid = rng.integers(-128, 129, (int(rows[-1]) + 2, int(columns[-1]) + 2)).astype(np.float32) / np.float32(128)
    if wraps:
        grid[:, -1] = grid[:, 0]
    lines = grid[rows] + row_weight[:, None] * (grid[rows + 1] - grid[rows])
    left = lines.take(columns, axis=1)
    return left + column_weight * (lines.take(columns + 1, axis=1) - left)


def _knots(length: int, cell: Number) -> tuple[np.ndarray, np.ndarray]:
    """For each texel the knot before it and the weight of the one after, so that whole cells fill the length."""
    count = max(int(length / cell), 1)
    at = np.arange(length) * count
    step = ((at % length) / length).astype(np.float32)
    return at // length, step * step * (3 - 2 * step)


def layered(
    rng: np.random.Generator, shape: tuple[int, int], cells: tuple[Number, ...], wraps: bool = False
) -> Float32[np.ndarray, "h w"]:
    """Noise of several scales, the first the strongest, within -1..1."""
    total, weight, weights = np.zeros(shape, np.float32), 1.0, 0.0
    for cell in cells:
        total += np.float32(weight) * noise(rng, shape, cell, wraps)
        weights += weight
        weight *= 0.6
    return total / np.float32(weights)
