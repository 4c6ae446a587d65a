"""One pass of a method over a clip, with a time for each frame: batch 1, and nothing else runs in the process."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor

from bench.evaluate.schedule import FixedInterval
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

    A frame's time runs from asking `frames` for it to the end of its scope. On a CUDA device, events are recorded
    around each frame and read after one wait at the end; in scope `model` nothing else waits, so that the host runs
    ahead as it would in use.
    """
    schedule = FixedInterval(interval)
    events = [(_event(), _event()) for _ in range(count)] if device.type == "cuda" else []
    host: list[float] = []
    state = None
    source = iter(frames)
    with torch.inference_mode(), mode.autocast(device):
        _wait(device)
        for index in range(count):
            start = perf_counter()
            frame = next(source)
            if events:
                events[index][0].record()
            out, state = steps.key(frame) if schedule.is_key(index) else steps.non_key(frame, state)
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


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
