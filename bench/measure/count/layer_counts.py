"""Multiply-accumulates as the counter of the segmentation library (mmsegmentation) counts: by layer.

It hooks a network's layers, so products of two computed matrices and resizing are not in it, while biases, ReLUs and
pooling are. Nor are batch norms, which those networks synchronise: the tool knows only the plain ones. SegFormer's
copy of it adds the attention of the backbone.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from bench.measure.count.calls import Call

_LINEAR = ("aten::mm", "aten::addmm")
_POOLS = ("aten::max_pool2d_with_indices", "aten::_adaptive_avg_pool2d")
_PRODUCTS = ("aten::bmm", "aten::baddbmm")


def layer_macs(calls: Iterable[Call]) -> int:
    """What the layers of the calls count; attention is left out."""
    return sum(_macs(call) for call in calls)


def attention_macs(calls: Iterable[Call]) -> int:
    """The products of queries with keys and of weights with values."""
    return sum(call.macs for call in calls if call.operator in _PRODUCTS or "scaled_dot_product" in call.operator)


def convolution_macs(calls: Iterable[Call]) -> int:
    """The convolutions alone."""
    return sum(call.macs for call in calls if call.operator == "aten::convolution")


def _macs(call: Call) -> int:
    name = call.operator.rstrip("_")
    if name == "aten::convolution":
        biased = len(call.given) > 2
        return call.macs + (prod(call.made[0]) if biased else 0)
    if name in _LINEAR:
        return call.macs
    if name == "aten::relu" or name in _POOLS:
        return prod(call.given[0])
    return 0
