"""One pass of a method over several streams at once, for its throughput: nothing waits between frames."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from bench.evaluate.schedule import FixedInterval
from bench.evaluate.turns import with_coming
from bench.measure.time.modes import Mode, Steps
from bench.measure.time.passes import FrameTime


def run_streams(
    steps: Steps,
    frames: Sequence[Tensor],
    *,
    count: int,
    streams: int,
    interval: int,
    mode: Mode,
    device: torch.device,
) -> list[FrameTime]:
    """Run the first `count` frames, (3, H, W) each, of as many streams, which all show this clip.

    A method takes one frame at a time, so this is no batch: at each index the frame of every stream is issued in turn,
    each stream with a state of its own. The label maps stay on the device. On a CUDA device nothing waits before the
    end of the pass, so that the host runs ahead; the time of an index is then that between events on the device, else
    the host's. A method without key frames is called as in `run_pass`.

    Returns:
        For each index the time of one frame: that of the index over the number of streams.

    """
    schedule = FixedInterval(interval if steps.key_frames else 1)
    shown = list(itertools.islice(with_coming(frames, steps.lookahead), count))
    states: list[Any] = [None] * streams
    on_device = device.type == "cuda"
    events = [_event() for _ in range(count + 1)] if on_device else []
    host: list[float] = []
    with torch.inference_mode(), mode.autocast(device):
        if on_device:
            torch.cuda.synchronize(device)
            events[0].record()
        host.append(perf_counter())
        for index, (frame, coming) in enumerate(shown):
            for stream in range(streams):
                if schedule.is_key(index) if steps.key_frames else index == 0:
                    _, states[stream] = steps.key(frame, *coming)
                else:
                    _, states[stream] = steps.non_key(frame, states[stream], *coming)
            if on_device:
                events[index + 1].record()
            host.append(perf_counter())
        if on_device:
            torch.cuda.synchronize(device)
    by_host = [end - start for start, end in itertools.pairwise(host)]
    by_device = [start.elapsed_time(end) / 1000 for start, end in itertools.pairwise(events)]
    return [
        FrameTime(
            index,
            schedule.is_key(index),
            (by_device[index] if on_device else by_host[index]) / streams,
            by_host[index] / streams if on_device else None,
        )
        for index in range(count)
    ]


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)
