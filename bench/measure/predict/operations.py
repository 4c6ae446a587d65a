"""The operators of a frame as a CPU runs them: what each computes and moves, its shape, and its time.

`describe_frames` finds them without running anything; `TimedMethod` runs them, on one thread.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import thread_time
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_leaves

from bench.measure.count.executed import ExecutedOperators, Place, moved_bytes
from bench.measure.count.operators import is_view, operator_macs, operator_name
from mpvss.segmentor.mask2former import with_fixed_work
from mpvss.stages import watched_by
from mpvss.video import VideoSegmenter

_PRODUCTS = {"aten::mm": 0, "aten::addmm": 1, "aten::bmm": 0, "aten::baddbmm": 1}
"""Products of matrices, and where the first of the two is among the arguments."""
WINDOW = 30
"""How many operations before another are looked at for what they left in the caches."""
LEAST_MOVED = 1e5
"""Bytes that are added to what these moved: the nearest cache holds so much in any case."""
STEP = 0.25
"""What the logarithm of those bytes is rounded to, so that like operations are one."""
REST = "rest"
"""What is in no stage."""
_NOTHING = ("aten::detach", "aten::lift_fresh", "prim::device")
"""What no CPU spends time on, and that depends on how a frame is described."""


@dataclass(frozen=True)
class Operation:
    """One call of an operator.

    Attributes:
        kind: what kernels it has in common with: `convolution 3x3`, `product`, or the operator's name.
        macs: multiply-accumulates.
        bytes: read and written; 0 for a view, which moves nothing.
        shape: of a convolution, product or sampling: logarithms of input channels, output channels and output pixels.
        before: logarithm of the bytes that the operations just before it moved: what they left of the caches.

    """

    kind: str
    macs: int
    bytes: int
    shape: tuple[float, float, float] = (0.0, 0.0, 0.0)
    before: float = 0.0


class _Operations(ExecutedOperators):
    """Lists every operation inside, and where `timed` its stage and how long it took."""

    def __init__(self, *, timed: bool, where: Callable[[], str] = lambda: REST) -> None:
        super().__init__(where)
        self.timed = timed
        self.operations: list[Operation] = []
        self.stages: list[str] = []
        self.seconds: list[float] = []
        self._moved: deque[int] = deque(maxlen=WINDOW)

    def run(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Execute a call."""
        if not self.timed:
            return func(*args, **kwargs)
        start = thread_time()
        out = func(*args, **kwargs)
        self._last = thread_time() - start
        return out

    def note(self, func: Any, args: Any, kwargs: Any, out: Any) -> None:
        """List a call that was executed."""
        if operator_name(func) in _NOTHING:
            return
        operation = _operation(func, args, kwargs, out)
        before = math.log(LEAST_MOVED + sum(self._moved))
        self.operations.append(replace(operation, before=round(before / STEP) * STEP))
        self._moved.append(operation.bytes)
        if self.timed:
            self.stages.append(self.where())
            self.seconds.append(self._last)


Frames = tuple[list[Operation], list[Operation]]
"""Of a key frame, and of the frame after it."""


def describe_frames(make: Callable[[], VideoSegmenter], size: tuple[int, int]) -> Frames:
    """The operations of both kinds of frame of the method that `make` builds, on a CPU's tensors without numbers."""
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        method = with_fixed_work(make())  # type: ignore[type-var]
        frame = torch.empty(3, *size, dtype=torch.uint8)
        with _Operations(timed=False) as key:
            prediction, state = method.segment(frame)
            prediction.labels()
        with _Operations(timed=False) as non_key:
            method.propagate(frame, state)[0].labels()
    return key.operations, non_key.operations


class TimedOperations(NamedTuple):
    """The operations of a frame that was run, with the stage and the seconds of each."""

    operations: list[Operation]
    stages: list[str]
    seconds: list[float]


class TimedMethod:
    """A method that is run here: the CPU times of its frames on the calling thread, without others' work."""

    def __init__(self, method: VideoSegmenter, size: tuple[int, int]) -> None:
        draw = torch.Generator().manual_seed(0)
        self._method = with_fixed_work(method)  # type: ignore[type-var]
        self._frames = torch.randint(0, 256, (2, 3, *size), dtype=torch.uint8, generator=draw)
        with torch.inference_mode():
            self._state = self.key()
            self.non_key()

    def key(self) -> Any:
        """A key frame, to its labels; the state it leaves."""
        prediction, state = self._method.segment(self._frames[0])
        prediction.labels()
        return state

    def non_key(self) -> None:
        """The frame after it."""
        self._method.propagate(self._frames[1], self._state)[0].labels()

    def seconds(self, run: Callable[[], Any]) -> float:
        """The time of `key` or `non_key`."""
        with torch.inference_mode():
            start = thread_time()
            run()
            return thread_time() - start

    def stages(self, run: Callable[[], Any]) -> dict[str, float]:
        """The time of each stage of `key` or `non_key`, and of the rest."""
        times: dict[str, float] = defaultdict(float)

        def watch(stage: str, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
            start = thread_time()
            out = function(*args, **kwargs)
            times[stage] += thread_time() - start
            return out

        with watched_by(watch):
            whole = self.seconds(run)
        return {**times, REST: whole - sum(times.values())}

    def operations(self, run: Callable[[], Any]) -> TimedOperations:
        """The operations of `key` or `non_key`, each with its stage and its time."""
        place = Place(REST)
        timing = _Operations(timed=True, where=lambda: place.stage)
        with torch.inference_mode(), watched_by(place.watch), timing as mode:
            run()
        return TimedOperations(mode.operations, mode.stages, mode.seconds)


def _operation(func: Any, args: Any, kwargs: Any, out: Any) -> Operation:
    name = operator_name(func)
    if is_view(func):
        return Operation("view", 0, 0)
    macs, moved = operator_macs(func, args, out), moved_bytes(func, args, kwargs, out)
    if name == "aten::convolution":
        return Operation(*_convolution(args, out, macs, moved))
    if name in _PRODUCTS:
        first, second = args[_PRODUCTS[name]], args[_PRODUCTS[name] + 1]
        batch = first.shape[0] if first.ndim == 3 else 1
        kind = "product" if batch == 1 else "batched product"
        return Operation(kind, macs, moved, _logs(first.shape[-1], second.shape[-1], first.shape[-2]))
    if "scaled_dot_product" in name:
        return Operation("attention", macs, moved, _logs(args[0].shape[-1], args[1].shape[-2], args[0].shape[-2]))
    if "grid_sampler" in name:  # where a point lies is found once for all channels
        channels = out.shape[1]
        return Operation(name, macs, moved, _logs(1, channels, out.numel() // channels))
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
    scattered = not all(_is_dense(x) for x in tensors)
    return Operation(name.removesuffix("_") + (" strided" if scattered else ""), macs, moved)


def _convolution(args: Sequence[Any], out: Tensor, macs: int, moved: int) -> tuple[str, int, int, tuple]:
    weight, stride, transposed, groups = args[1], args[3], args[6], args[8]
    height, width = weight.shape[2:] if weight.ndim == 4 else (1, weight.shape[-1])
    if transposed:
        kind = "transposed"
    elif groups > 1:
        kind = "depthwise" if groups == weight.shape[0] else "grouped"
    elif height == width == 1:
        kind = "1x1"
    elif height == width == 3 and max(stride) == 1:
        kind = "3x3"
    else:
        kind = "strided or large"
    pixels = out.shape[0] * math.prod(out.shape[2:])
    inputs = weight.shape[0] if transposed else weight.shape[1]
    return f"convolution {kind}", macs, moved, _logs(inputs * height * width, out.shape[1], pixels)


def _logs(inputs: int, outputs: int, pixels: int) -> tuple[float, float, float]:
    return math.log(max(inputs, 1)), math.log(max(outputs, 1)), math.log(max(pixels, 1))


def _is_dense(tensor: Tensor) -> bool:
    return tensor.is_contiguous() or (tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last))
