"""Calls of operators on tensors of the "meta" device, each found out once: a network repeats itself."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Shape(NamedTuple):
    """All there is to know of a tensor without numbers."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype


class _Constant(NamedTuple):
    """An argument that is no tensor, with its type, since 1, 1.0 and True are equal."""

    kind: type
    value: Any


class _Unknown(Exception):  # noqa: N818  (it asks for the call to be made)
    """A call whose result is not a matter of shapes alone."""


def call_on_shapes(func: torch._ops.OpOverload, args: Any, kwargs: Any) -> Any:
    """As `func(*args, **kwargs)`, remembered where its outputs are new tensors that follow from shapes alone."""
    schema = func._schema
    if schema.is_mutable or any(out.alias_info is not None for out in schema.returns):
        return func(*args, **kwargs)
    try:
        outputs = _outputs(func, _described(args), _described(tuple(kwargs.items())))
    except (_Unknown, TypeError):  # TypeError: an argument that cannot be a key
        return func(*args, **kwargs)
    return _made(outputs)


@functools.lru_cache(maxsize=1 << 16)
def _outputs(func: torch._ops.OpOverload, args: Any, kwargs: Any) -> Any:
    return _described(func(*_made(args), **dict(_made(kwargs))))


def _described(value: Any) -> Any:
    if isinstance(value, Tensor):
        if type(value) not in (Tensor, torch.nn.Parameter) or not value.is_meta:
            raise _Unknown
        return Shape(tuple(value.shape), value.stride(), value.dtype)
    if isinstance(value, list | tuple):
        return tuple(_described(item) for item in value)
    return _Constant(type(value), value)


def _made(value: Any) -> Any:
    if isinstance(value, Shape):
        return torch.empty_strided(value.size, value.stride, dtype=value.dtype, device="meta")
    return value.value if isinstance(value, _Constant) else tuple(_made(item) for item in value)
