"""The kernels of a frame: of what kind each is, and what it computes and moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bench.measure.count.calls import Call

KINDS = ("convolution", "product", "attention", "memory")
"""Kinds of kernel; the last is of whatever waits for memory and not for arithmetic."""
_KIND_OF = {
    "aten::convolution": 0,
    "aten::_convolution": 0,
    **dict.fromkeys(("aten::mm", "aten::addmm", "aten::mv", "aten::addmv"), 1),
    **dict.fromkeys(("aten::bmm", "aten::baddbmm", "aten::addbmm"), 2),
}
_FREE = frozenset({"aten::_unsafe_view"})
"""Operators that torch does not declare as views, and that move nothing."""
WINOGRAD = 16 / 36
"""Products of F(2x2, 3x3) against the direct algorithm: 16 for the 36 of four outputs (Lavin and Gray, CVPR 2016)."""


@dataclass(frozen=True)
class Kernels:
    """A frame's kernels, one number of each for every kernel."""

    kinds: np.ndarray
    """Indices of `KINDS`."""
    macs: np.ndarray
    """Multiply-accumulates carried out."""
    bytes: np.ndarray
    """Bytes read and written, in float32."""

    def __len__(self) -> int:
        return len(self.kinds)


def kernels_of(calls: Iterable[Call]) -> Kernels:
    """The kernels that the calls start: all but views and allocations."""
    moving = [call for call in calls if call.bytes and call.operator not in _FREE]
    return Kernels(
        np.array([_kind(call) for call in moving], dtype=np.int64),
        np.array([call.macs * (WINOGRAD if _is_winograd(call) else 1) for call in moving], dtype=float),
        np.array([call.bytes for call in moving], dtype=float),
    )


def _kind(call: Call) -> int:
    return 2 if "scaled_dot_product" in call.operator else _KIND_OF.get(call.operator, len(KINDS) - 1)


def _is_winograd(call: Call) -> bool:
    """A convolution of 3x3, stride 1 and one group, which cuDNN computes so."""
    if _KIND_OF.get(call.operator) != 0:
        return False
    (x, weight, *_), (out, *_) = call.given, call.made
    return weight[2:] == (3, 3) and x[2:] == out[2:] and weight[1] == x[1]
