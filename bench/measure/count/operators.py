"""What each operator costs in multiply-accumulates (MACs): the project's formulas, and which operators have none.

Counted are products at one per multiply-accumulate, norms at one to five per element, and bilinear resizing and
sampling at four per output element, as fvcore does; attention, whichever kernel computes it, at its two products; a
weighted table look-up at one for each number read. NOT counted, because light: whatever does a bounded amount of
arithmetic for each number it reads or writes and is in one of the groups of `LIGHT`, is tagged pointwise by torch, or
is a view. An operator that is neither counted nor light is unknown, and an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch

from mpvss.errors import UserError

Shape = Sequence[int]
Formula = Callable[[Sequence[Any], Any], int]
"""MACs from an operator's arguments, in its schema's order, and its output."""


def attention_macs(query: Shape, key: Shape, value: Shape) -> int:
    """Scores, (…, queries, keys), and their product with the values; the softmax is not counted."""
    return prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def lookup_macs(table: Shape, index: Shape) -> int:
    """One for each number read of `table`, (rows, columns), at the rows that `index` names."""
    return prod(index) * table[-1]


def product_macs(first: Shape, second: Shape) -> int:
    """Product of matrices, (…, m, k) and (…, k, n), or of a matrix and a vector, (k,)."""
    return prod(first) * (second[-1] if len(second) > 1 else 1)


def convolution_macs(x: Shape, weight: Shape, out: Shape, transposed: bool) -> int:
    """A convolution of any number of dimensions, with `weight` as torch stores it."""
    return x[0] * prod(weight) * prod((x if transposed else out)[2:])


def _convolution(args: Sequence[Any], out: Any) -> int:
    return convolution_macs(args[0].shape, args[1].shape, out.shape, args[6])


def _product(first: int) -> Formula:
    return lambda args, out: product_macs(args[first].shape, args[first + 1].shape)


def _attention(args: Sequence[Any], out: Any) -> int:
    return attention_macs(args[0].shape, args[1].shape, args[2].shape)


def _lookup(args: Sequence[Any], out: Any) -> int:
    return lookup_macs(args[0].shape, args[1].shape)


def _norm(affine: int, args: Sequence[Any]) -> int:
    return args[0].numel() * (5 if args[affine] is not None else 4)


def _layer_norm(args: Sequence[Any], out: Any) -> int:
    return _norm(2, args)


def _group_norm(args: Sequence[Any], out: Any) -> int:
    return _norm(1, args)


def _batch_norm(args: Sequence[Any], out: Any) -> int:
    return _norm(1, args) if args[5] else _frozen_batch_norm(args, out)


def _frozen_batch_norm(args: Sequence[Any], out: Any) -> int:
    return args[0].numel() * (2 if args[1] is not None else 1)


def _resizing(taps: int) -> Formula:
    return lambda args, out: taps * out.numel()


def _sampling(dimensions: int) -> Formula:
    """Grid sampling: 0 is linear, 1 the nearest, which is a copy, 2 cubic."""
    taps = {0: 2, 1: 0, 2: 4}
    return lambda args, out: taps[args[2]] ** dimensions * out.numel()


FORMULAS: dict[str, Formula] = {
    "aten::mm": _product(0),
    "aten::bmm": _product(0),
    "aten::mv": _product(0),
    "aten::dot": _product(0),
    "aten::addmm": _product(1),
    "aten::addmv": _product(1),
    "aten::addbmm": _product(1),
    "aten::baddbmm": _product(1),
    **dict.fromkeys(("aten::convolution", "aten::_convolution"), _convolution),
    **dict.fromkeys(
        (f"aten::_scaled_dot_product_{kernel}" for kernel in (
            "flash_attention", "flash_attention_for_cpu", "efficient_attention", "cudnn_attention",
            "fused_attention_overrideable",
        )),
        _attention,
    ),
    **dict.fromkeys(("aten::_embedding_bag", "aten::_embedding_bag_forward_only"), _lookup),
    "aten::native_layer_norm": _layer_norm,
    "aten::native_group_norm": _group_norm,
    **dict.fromkeys(
        ("aten::native_batch_norm", "aten::_native_batch_norm_legit", "aten::cudnn_batch_norm"), _batch_norm
    ),
    "aten::_native_batch_norm_legit_no_training": _frozen_batch_norm,
    "aten::upsample_linear1d": _resizing(2),
    **dict.fromkeys(("aten::upsample_bilinear2d", "aten::_upsample_bilinear2d_aa"), _resizing(4)),
    **dict.fromkeys(("aten::upsample_bicubic2d", "aten::_upsample_bicubic2d_aa"), _resizing(16)),
    "aten::upsample_trilinear3d": _resizing(8),
    "aten::grid_sampler_2d": _sampling(2),
    "aten::cudnn_grid_sampler": _resizing(4),
    "aten::grid_sampler_3d": _sampling(3),
}  # fmt: skip
"""The formula of each operator that is counted. A method with operators of its own adds theirs."""

_GROUPS = {
    "makes": "arange empty empty_like empty_permuted empty_strided eye full full_like linspace new_empty "
    "new_empty_strided new_full new_ones new_zeros ones ones_like rand randn rand_like randn_like randint randperm "
    "scalar_tensor zeros zeros_like bernoulli normal uniform",
    "copies": "_to_copy _unsafe_view cat clone constant_pad_nd copy expand_copy fill flip lift_fresh lift_fresh_copy "
    "masked_fill pixel_shuffle pixel_unshuffle reflection_pad1d reflection_pad2d repeat repeat_interleave "
    "replication_pad1d replication_pad2d replication_pad3d _reshape_alias_copy roll stack tril triu "
    "unfold_copy upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact2d view_copy "
    "zero im2col",
    "picks": "embedding gather index index_add index_copy index_fill index_put _index_put_impl index_select "
    "masked_scatter masked_select max_pool2d_with_indices nonzero scatter scatter_add scatter_reduce take where "
    "_unsafe_index _unsafe_index_put adaptive_max_pool2d",
    "reduces": "_adaptive_avg_pool2d _is_all_true _is_any_true _local_scalar_dense _log_softmax _safe_softmax _softmax "
    "all aminmax amax amin any argmax argmin avg_pool1d avg_pool2d avg_pool3d count_nonzero cummax cummin cumprod "
    "cumsum equal linalg_vector_norm logsumexp max mean median min mode norm prod std std_mean sum var var_mean",
    "maps": "as_strided detach floor_divide glu",  # number by number, though not all are tagged so
    "orders": "argsort bincount bucketize histc searchsorted sort topk unique_consecutive _unique2 unique_dim isin",
}
LIGHT = frozenset(f"aten::{name}" for names in _GROUPS.values() for name in names.split())
"""Operators without a formula that are known to be light, under their names without a closing underscore."""
_UNCOUNTED_NAMESPACES = ("prim", "profiler")


def operator_name(operator: torch._ops.OpOverload) -> str:
    """An operator's name without its overload, as profilers write it: `aten::mm`."""
    return operator._schema.name


def is_view(operator: torch._ops.OpOverload) -> bool:
    """Whether the operator moves no data: what it returns lies in the memory of its argument."""
    returns = operator._schema.returns
    aliased = [out.alias_info is not None for out in returns]
    return bool(aliased) and all(aliased) and not operator._schema.is_mutable


def is_light(operator: torch._ops.OpOverload) -> bool:
    """Whether the operator's arithmetic is not counted, by the rule that this module states."""
    name = operator_name(operator)
    return (
        operator.namespace in _UNCOUNTED_NAMESPACES
        or name.rstrip("_") in LIGHT
        or torch.Tag.pointwise in operator.tags
        or is_view(operator)
    )


def operator_macs(operator: torch._ops.OpOverload, args: Sequence[Any], out: Any) -> int:
    """MACs of one call.

    Raises:
        UserError: the operator is unknown; its name is said.
    """
    name = operator_name(operator)
    if name in FORMULAS:
        return FORMULAS[name](args, out)
    if is_light(operator):
        return 0
    raise UserError(
        f"the operator {name} is not known to the count: it may be heavy, and would be counted as nothing; "
        "give it a formula in bench.measure.count.operators.FORMULAS, or name it in LIGHT there"
    )
