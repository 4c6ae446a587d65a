"""What other counters make of each stage, beside the project's own count, all in MACs, and what each leaves out.

Counted are one key frame and one non-key frame, on shapes alone. fvcore and thop count MACs by themselves;
FlopCounterMode of torch counts FLOPs, which are halved. thop counts a transposed convolution as if its stride were 1,
by the size of its output, so too much. Each counter is given every call of a stage by itself, with
the arguments it has in the method's run, and no formula that it lacks.
"""

from __future__ import annotations

import copy
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from bench.evaluate.turns import propagate, segment
from bench.measure.count.executed import ExecutedOperators, total_macs
from bench.measure.count.frames import state_before, with_least_work
from bench.measure.count.operators import FORMULAS
from bench.measure.count.traced import shapes_only
from bench.measure.count.weights import without_gradients
from mpvss.segmentor.mask2former import with_fixed_work
from mpvss.stages import watched_by
from mpvss.video import VideoSegmenter, lookahead_of

FRAME = "whole frame"
OURS = "ours"
COMPOSITES = frozenset(
    f"aten::{name}"
    for name in (
        *("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
        *("bilinear", "embedding_bag", "scaled_dot_product_attention", "tensordot"),
    )
)
"""Operators of traced graphs that are made of such as have a formula."""


@dataclass(frozen=True)
class Count:
    """What one counter finds."""

    macs: int
    left_out: Counter[str]
    """Calls of operators that it counts nothing for and `ours` counts something for."""

    def __add__(self, other: Count) -> Count:
        return Count(self.macs + other.macs, self.left_out + other.left_out)


NOTHING = Count(0, Counter())
StageCounts = dict[str, dict[str, Count]]
"""By stage, then by counter; `whole frame` comes last."""


class Call(nn.Module):
    """A call with its arguments, as a module: the tensors among them are its inputs."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        super().__init__()
        self.function = function
        leaves, structure = tree_flatten((args, dict(kwargs)))
        self.arguments = lambda leaves: tree_unflatten(leaves, structure)
        self.tensors = tuple(leaf for leaf in leaves if isinstance(leaf, Tensor))
        self.others = [None if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        self.is_tensor = [isinstance(leaf, Tensor) for leaf in leaves]
        self.parts = nn.ModuleList(dict.fromkeys(leaf for leaf in leaves if isinstance(leaf, nn.Module)))

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """All tensors in what the call returns."""
        given = iter(tensors)
        leaves = [next(given) if known else other for known, other in zip(self.is_tensor, self.others, strict=True)]
        args, kwargs = self.arguments(leaves)
        with watched_by(None):
            return tuple(_tensors(self.function(*args, **kwargs)))


def count_by_stage(method: VideoSegmenter, size: tuple[int, int]) -> dict[str, StageCounts]:
    """Counts of a `key` and a `non-key` frame of `size` (height, width), from frame to label map.

    Stages are those that `mpvss.stages` marks. The method is on the CPU; its weights may be anything.

    Raises:
        UserError: the method runs an operator that is unknown to `bench.measure.count.operators`.
    """
    frame = torch.zeros(3, *size)
    method = with_least_work(with_fixed_work(method))
    coming = (frame,) * lookahead_of(method)
    with torch.no_grad(), shapes_only(), without_gradients(method):
        key = _count_frame(lambda of, x: segment(of, x, coming)[0].labels(), method, frame)
        state = state_before(method, frame)
        non_key = _count_frame(lambda of, x: propagate(of, x, state, coming)[0].labels(), method, frame)
    return {"key": key, "non-key": non_key}


def _count_frame(
    work: Callable[[VideoSegmenter, Tensor], Tensor], method: VideoSegmenter, frame: Tensor
) -> StageCounts:
    calls: list[tuple[str, Call]] = []

    def record(name: str, function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> Any:
        calls.append((name, Call(function, args, kwargs)))
        return function(*args, **kwargs)

    with watched_by(record):
        work(method, frame)
    calls.append((FRAME, Call(work, (method, frame), {})))
    counts: StageCounts = {}
    for name, call in calls:
        row = counts.setdefault(name, dict.fromkeys(COUNTERS, NOTHING))
        for counter, count in COUNTERS.items():
            row[counter] += count(call)
    return counts


def _ours(call: Call) -> Count:
    with ExecutedOperators(lambda: OURS) as executed:
        call(*call.tensors)
    return Count(total_macs(executed.tallies), Counter())


def _fvcore(call: Call) -> Count:
    from fvcore.nn import FlopCountAnalysis

    with ExecutedOperators(lambda: OURS) as executed:
        call(*call.tensors)
    if not executed.tallies:
        return NOTHING  # the tracer refuses what does nothing with its input
    logging.getLogger("fvcore.nn.jit_analysis").setLevel(logging.ERROR)
    unused = call.tensors or (torch.zeros(1),)  # a graph has an input
    analysis = FlopCountAnalysis(call, unused)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    macs = round(analysis.total())
    left_out = {
        name: calls for name, calls in analysis.unsupported_ops().items() if name in FORMULAS or name in COMPOSITES
    }
    return Count(macs, Counter(left_out))


def _torch(call: Call) -> Count:
    from torch.utils.flop_counter import FlopCounterMode, flop_registry

    with FlopCounterMode(display=False) as counter:
        call(*call.tensors)
    with ExecutedOperators(lambda: OURS) as executed:
        call(*call.tensors)
    known = {f"aten::{packet.__name__}" for packet in flop_registry if isinstance(packet, torch._ops.OpOverloadPacket)}
    left_out = {name: x.calls for (_, name), x in executed.tallies.items() if x.macs and name not in known}
    return Count(counter.get_total_flops() // 2, Counter(left_out))


def _thop(call: Call) -> Count:
    """On a copy, since thop puts buffers on modules."""
    import thop
    from thop.profile import register_hooks

    call = copy.deepcopy(call)
    with _inside(call, tuple(kind for kind in register_hooks if kind is not nn.Sequential)) as seen:
        macs = thop.profile(call, inputs=call.tensors, verbose=False)[0]
        with ExecutedOperators(lambda: "seen" if seen() else "not seen") as executed:
            call(*call.tensors)
    left_out = {name: x.calls for (place, name), x in executed.tallies.items() if x.macs and place == "not seen"}
    return Count(round(macs), Counter(left_out))


COUNTERS: dict[str, Callable[[Call], Count]] = {OURS: _ours, "fvcore": _fvcore, "thop": _thop, "torch": _torch}
"""`torch` is `torch.utils.flop_counter.FlopCounterMode`."""


@contextmanager
def _inside(module: nn.Module, kinds: tuple[type[nn.Module], ...]) -> Iterator[Callable[[], bool]]:
    """Whether a submodule of one of the `kinds` runs at the moment; a subclass is none, as to thop."""
    depth = 0

    def enter(*_: Any) -> None:
        nonlocal depth
        depth += 1

    def leave(*_: Any) -> None:
        nonlocal depth
        depth -= 1

    hooks = []
    for part in module.modules():
        if type(part) in kinds:
            hooks += [part.register_forward_pre_hook(enter), part.register_forward_hook(leave)]
    try:
        yield lambda: depth > 0
    finally:
        for hook in hooks:
            hook.remove()


def _tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in a value, those in dataclasses too."""
    for leaf in tree_leaves(value):
        if isinstance(leaf, Tensor):
            yield leaf
        elif is_dataclass(leaf):
            yield from _tensors([getattr(leaf, field.name) for field in fields(leaf)])
