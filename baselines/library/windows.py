"""Overlapping square windows along the longer side of a picture, as EoMT segments one."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from baselines.library.sizes import Size


def starts(side: int, window: int) -> list[int]:
    """Where the fewest windows start that cover `side` pixels, spread evenly.

    >>> starts(100, 40)
    [0, 30, 60]
    """
    count = math.ceil(side / window)
    overlap = (count * window - side) / (count - 1) if count > 1 else 0
    return [int(index * (window - overlap)) for index in range(count)]


def cut(picture: Float[Tensor, "c h w"], window: int) -> Float[Tensor, "n c wh ww"]:
    """The windows of a picture along its longer side, of the whole of its shorter side."""
    axis = _longer(picture.shape[-2:])
    first = starts(picture.shape[axis], window)
    return torch.stack([picture.narrow(axis, start, min(window, picture.shape[axis])) for start in first])


def merge(scores: Float[Tensor, "n c wh ww"], size: Size, window: int) -> Float[Tensor, "c h w"]:
    """Scores of the windows as scores of a picture of `size`, averaged where windows overlap."""
    axis = _longer(size)
    total = scores.new_zeros(scores.shape[1], *size)
    count = scores.new_zeros(size)
    for start, part in zip(starts(size[axis], window), scores, strict=True):
        total.narrow(axis, start, part.shape[axis]).add_(part)
        count.narrow(axis, start, part.shape[axis]).add_(1)
    return total / count


def _longer(size: Size | torch.Size) -> int:
    return -2 if size[-2] > size[-1] else -1
