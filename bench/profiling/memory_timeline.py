"""Allocated bytes over time, from a trace's memory events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.profiling.spans import Event

MEMORY = "[memory]"
DEVICE_TYPES = {"cpu": 0, "cuda": 1}
POINTS = 2000


@dataclass(frozen=True)
class MemoryTimeline:
    """Bytes allocated by torch, after each change.

    On the CPU only what the profiled frames allocate counts: the profiler does not see earlier allocations, such as
    weights. On a CUDA device everything counts.
    """

    times: list[float]
    """Microseconds of the trace's clock."""
    allocated: list[int]

    @property
    def peak(self) -> int:
        """The highest, in bytes; 0 where nothing was allocated."""
        return max(self.allocated, default=0)

    def thinned(self, points: int = POINTS) -> MemoryTimeline:
        """At most `points` points: the highest of each run of neighbours."""
        step = -(-len(self.times) // points) or 1
        kept = [
            max(range(at, min(at + step, len(self.times))), key=self.allocated.__getitem__)
            for at in range(0, len(self.times), step)
        ]
        return MemoryTimeline([self.times[at] for at in kept], [self.allocated[at] for at in kept])


def read_memory(events: Iterable[Event], device: str) -> MemoryTimeline:
    """The memory of a device, `cpu` or `cuda`."""
    changes = sorted(
        (event["ts"], event["args"]["Total Allocated"])
        for event in events
        if event.get("name") == MEMORY and event["args"].get("Device Type") == DEVICE_TYPES[device]
    )
    return MemoryTimeline([time for time, _ in changes], [allocated for _, allocated in changes])
