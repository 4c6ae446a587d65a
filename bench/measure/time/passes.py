"""One pass of a method over a clip, with a time for each frame: batch 1, and nothing else runs in the process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from bench.evaluate.schedule import FixedInterval
from bench.evaluate.turns import with_coming
from bench.measure.time.modes import Mode, Steps
from bench.measure.time.samples import Scope


@dataclass(frozen=True)
class FrameTime:
    """The time of one frame in seconds; the fields are those of `bench.measure.time.samples.Sample`."""

    frame: int
    key: bool
    seconds: float
    other_clock: float | None


def run_pass(
    steps: Steps, frames: Iterable[Tensor], *, count: int, scope: Scope, interval: int, mode: Mode, device: torch.device
) -> list[FrameTime]:
    """Run the first `count` frames, (3, H, W) each, from a key frame on.

    Of a method without key frames the interval is 1: all its frames are of one kind, the one that is called key. One
    that looks ahead is shown the frames of `frames` that follow.

    A frame's time runs from asking `frames` for it, or for the last one to look ahead at, to the end of its scope. On a
    CUDA device, events are recorded around each frame and read after one wait at the end; in scope `model` nothing else
    waits, so that the host runs ahead as it would in use.
    """
    schedule = FixedInterval(interval if steps.key_frames else 1)
    events = [(_event(), _event()) for _ in range(count)] if device.type == "cuda" else []
    host: list[float] = []
    state = None
    source = with_coming(frames, steps.lookahead)
    with torch.inference_mode(), mode.autocast(device):
        _wait(device)
        for index in range(count):
            start = perf_counter()
            frame, coming = next(source)
            if events:
                events[index][0].record()
            if schedule.is_key(index) if steps.key_frames else index == 0:
                out, state = steps.key(frame, *coming)
            else:
                out, state = steps.non_key(frame, state, *coming)
            if scope != "model":
                out = out.cpu()
            if events:
                events[index][1].record()
            host.append(perf_counter() - start)
        _wait(device)
    on_device = [start.elapsed_time(end) / 1000 for start, end in events] or [None] * count
    return [
        FrameTime(index, schedule.is_key(index), by_device, by_host)
        if scope == "model" and by_device is not None
        else FrameTime(index, schedule.is_key(index), by_host, by_device)
        for index, (by_host, by_device) in enumerate(zip(host, on_device, strict=True))
    ]


def settled_frame(steps: Steps, frames: Sequence[Tensor]) -> Callable[[], tuple[Tensor, Any]]:
    """A call that runs a frame far from both ends of a clip, again and again: of `frames`, the last with all ahead.

    The frames before it are run once, for the state. For a method without key frames; in the modes of the caller.
    """
    before = list(with_coming(frames, steps.lookahead))[: max(1, len(frames) - steps.lookahead)]
    frame, coming = before.pop()
    if not before:
        return lambda: steps.key(frame, *coming)
    state = steps.key(before[0][0], *before[0][1])[1]
    for earlier, after in before[1:]:
        state = steps.non_key(earlier, state, *after)[1]
    return lambda: steps.non_key(frame, state, *coming)


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
