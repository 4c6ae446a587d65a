"""A method's profile: frames traced and counted, and compared with the machine's ceilings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from bench.evaluate.schedule import FixedInterval
from bench.measure.count.executed import Executed
from bench.profiling.attribution import host_time, known_places
from bench.profiling.ceilings import Ceilings, measure_ceilings
from bench.profiling.device import device_work
from bench.profiling.frames import count_frames, trace_frames, turns_of
from bench.profiling.memory_timeline import MemoryTimeline, read_memory
from bench.profiling.names import Kind
from bench.profiling.spans import Frame, read_frames
from bench.profiling.tables import Measured
from mpvss.video import VideoSegmenter


@dataclass(frozen=True)
class Profile:
    """A trace, its frames with their times, the counted operators, the machine's ceilings, and memory."""

    trace: dict[str, Any]
    frames: list[Frame]
    measured: list[Measured]
    counts: dict[Kind, Executed]
    ceilings: Ceilings
    memory: MemoryTimeline


def profile_method(
    segmenter: VideoSegmenter, images: Sequence[np.ndarray], interval: int, device: torch.device
) -> Profile:
    """Profile the frames `images`, uint8 (3, H, W), of one clip. Times are under the profiler, which slows work down.

    Of a method without key frames, those are profiled that `turns_of` says.

    Raises:
        UserError: the method runs an operator that is unknown to `bench.measure.count.operators`.
    """
    schedule = FixedInterval(interval)
    turns = turns_of(segmenter, images, schedule, device)
    counts = count_frames(segmenter, turns, device)
    trace = trace_frames(segmenter, turns, device)
    ceilings = measure_ceilings(device)
    frames, measured = read_trace(trace, counts.values())
    return Profile(trace, frames, measured, counts, ceilings, read_memory(trace["traceEvents"], device.type))


def read_trace(trace: dict[str, Any], counts: Iterable[Executed]) -> tuple[list[Frame], list[Measured]]:
    """The frames of a trace, and where their time went."""
    known = known_places(counts)
    frames = read_frames(trace["traceEvents"])
    work = device_work(trace["traceEvents"], frames, known)
    measured = [
        Measured(frame.kind, frame.span.seconds, host_time(frame, known), None if work is None else work[index])
        for index, frame in enumerate(frames)
    ]
    return frames, measured
