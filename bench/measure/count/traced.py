"""Multiply-accumulates of one frame, by fvcore over the traced graph: a cross-check of the project's own count.

Attention and table look-ups, which fvcore does not know, are counted by the formulas of
`bench.measure.count.operators`. NOT counted: activations, softmax, additions, argmax, copies, and work whose result
nothing uses, which a graph does not hold. fvcore reads the count of an einsum from a report of four digits.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from bench.evaluate.turns import propagate, segment
from bench.measure.count.frames import state_before, with_least_work
from bench.measure.count.operators import attention_macs, lookup_macs, product_macs
from mpvss.segmentor.mask2former import with_fixed_work
from mpvss.video import VideoSegmenter, lookahead_of

_SMALL = 1 << 16
"""Elements; operators on no more are carried out: sizes, indices, tables."""


class _KeyFrame(nn.Module):
    """A method's work on a key frame, as a graph from frame to label map."""

    def __init__(self, method: VideoSegmenter) -> None:
        super().__init__()
        self.method = method

    def forward(self, frame: Tensor) -> Tensor:
        return segment(self.method, frame, _coming(self.method, frame))[0].labels()


class _NonKeyFrame(nn.Module):
    """A method's work on any non-key frame, the state of the frame before it given."""

    def __init__(self, method: VideoSegmenter, state: Any) -> None:
        super().__init__()
        self.method = method
        self.state = state

    def forward(self, frame: Tensor) -> Tensor:
        labels = propagate(self.method, frame, self.state, _coming(self.method, frame))[0].labels()
        return labels + 0 * frame[0]  # a label map that is kept from the key frame is no output of a graph otherwise


def count_macs(method: VideoSegmenter, size: tuple[int, int]) -> tuple[int, int]:
    """Multiply-accumulates of a key frame and of a non-key frame of `size` (height, width), from frame to label map.

    The method is on the CPU. Its weights may be anything.
    """
    frame = torch.zeros(3, *size)
    method = with_least_work(with_fixed_work(method))
    with torch.no_grad(), shapes_only():
        key = _count(_KeyFrame(method), frame)
        non_key = _count(_NonKeyFrame(method, state_before(method, frame)), frame)
    return key, non_key


def _coming(method: VideoSegmenter, frame: Tensor) -> tuple[Tensor, ...]:
    return (frame,) * lookahead_of(method)


def _count(module: nn.Module, frame: Tensor) -> int:
    from fvcore.nn import FlopCountAnalysis

    logging.getLogger("fvcore.nn.jit_analysis").setLevel(logging.ERROR)
    analysis = FlopCountAnalysis(module, frame)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    analysis.set_op_handle("aten::scaled_dot_product_attention", _attention)
    analysis.set_op_handle("aten::embedding_bag", _weighted_lookup)
    analysis.set_op_handle("aten::baddbmm", _batched_product)
    return round(analysis.total())


@contextmanager
def shapes_only() -> Iterator[None]:
    """Give operators' outputs their shapes and no values: a count takes no time and touches no memory."""
    with _RecordedConvolutions(), _ShapesOnly():
        yield


class _ShapesOnly(TorchDispatchMode):
    """Finds shapes on the "meta" device, and leaves tensors alone that would be changed in place.

    That happens in a thread of its own: in a traced one every size is a tensor, which shape functions refuse.
    """

    def __init__(self) -> None:
        super().__init__()
        self._thread = ThreadPoolExecutor(1)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        schema = func._schema
        aliases = any(x.alias_info is not None for x in schema.returns)
        if max((x.numel() for x in tensors), default=0) <= _SMALL or (aliases and not schema.is_mutable):
            return func(*args, **kwargs)
        if aliases:
            return args[0]
        shapes = self._thread.submit(_output_shapes, func, args, kwargs).result()
        outputs = [None if x is None else torch.empty_strided(x[0], x[1], dtype=x[2]) for x in shapes]
        return tuple(outputs) if len(outputs) > 1 else outputs[0]


class _RecordedConvolutions(TorchFunctionMode):
    """Calls convolutions by the one name that the tracer records; it does so itself only if they are computed."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.conv2d:
            return _convolve(*args, **(kwargs or {}))
        if func is torch.conv_transpose2d:
            return _convolve_transposed(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _convolve(
    x: Tensor, weight: Tensor, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:
    """As `torch.conv2d`, its padding in numbers."""
    return _recorded(False, x, weight, bias, stride, padding, 0, dilation, groups)


def _convolve_transposed(
    x: Tensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """As `torch.conv_transpose2d`."""
    return _recorded(True, x, weight, bias, stride, padding, output_padding, dilation, groups)


def _recorded(transposed: bool, x: Tensor, weight: Tensor, bias: Any, *sizes: Any) -> Tensor:
    *pairs, groups = sizes
    stride, padding, output_padding, dilation = ([v, v] if isinstance(v, int) else list(v) for v in pairs)
    convolution = torch._C._VariableFunctions._convolution  # type: ignore[attr-defined]
    return convolution(
        x, weight, bias, stride, padding, dilation, transposed, output_padding, groups, False, False, True, True
    )


def _output_shapes(func: Any, args: Any, kwargs: Any) -> list[Any]:
    """Size, stride and type of each output; None for an output that is not a tensor."""
    with torch.no_grad():
        out = func(*tree_map_only(Tensor, _to_meta, args), **tree_map_only(Tensor, _to_meta, kwargs))
    outputs = out if isinstance(out, tuple) else (out,)
    return [(tuple(x.shape), x.stride(), x.dtype) if isinstance(x, Tensor) else None for x in outputs]


def _to_meta(x: Tensor) -> Tensor:
    return torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device="meta")


def _shape(value: Any) -> list[int]:
    return value.type().sizes()


def _attention(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    return Counter(attention=attention_macs(*map(_shape, inputs[:3])))


def _weighted_lookup(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    return Counter(embedding_bag=lookup_macs(_shape(inputs[0]), _shape(inputs[1])))


def _batched_product(inputs: list[Any], outputs: list[Any]) -> Counter[str]:
    return Counter(baddbmm=product_macs(_shape(inputs[1]), _shape(inputs[2])))
