"""Deformable attention as the published program computes it: one CUDA kernel, not a sampling for each map."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from bench.measure.count.operators import FORMULAS
from mpvss.segmentor import deformable

FUSED = "mpvss_predict::deformable_attention"

torch.library.define(FUSED, "(Tensor value, Tensor places, Tensor weights) -> Tensor")


@torch.library.impl(FUSED, "Meta")
def _shape(value: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    return value.new_empty(*places.shape[:2], value.shape[2] * value.shape[3])


def _macs(args: Any, out: Any) -> int:
    """Four taps of each channel for each point that is read."""
    return 4 * args[2].numel() * args[0].shape[3]


FORMULAS[FUSED] = _macs


class _Fused:
    """A reader in the place of those of `mpvss.segmentor.deformable`, for shapes alone."""

    def __init__(self, value: Tensor, sizes: deformable.Sizes, points: int) -> None:
        self.value = value

    def __call__(self, at: Tensor, weights: Tensor) -> Tensor:
        return torch.ops.mpvss_predict.deformable_attention(self.value, at, weights)


@contextmanager
def fused_deformable_attention() -> Iterator[None]:
    """The published graph reads with one kernel inside."""
    reader = deformable._GridSample
    deformable._GridSample = _Fused  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        deformable._GridSample = reader  # type: ignore[misc]
