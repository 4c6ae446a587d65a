"""What a GPU did for each frame: kernels by stage and operator, launches, and the gaps in which it stood idle."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.profiling.attribution import Known, Place, place_of
from bench.profiling.spans import Event, Frame

KERNEL = "kernel"
ON_DEVICE = (KERNEL, "gpu_memcpy", "gpu_memset")
RUNTIME = ("cuda_runtime", "cuda_driver")


@dataclass(frozen=True)
class Kernel:
    """One run of a kernel, or one copy, on the device."""

    name: str
    place: Place
    start: float
    """Microseconds of the trace's clock, as is `end`."""
    end: float
    is_kernel: bool

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end - self.start) * 1e-6


@dataclass
class DeviceWork:
    """What the device did for one frame."""

    kernels: list[Kernel] = field(default_factory=list)

    @property
    def launches(self) -> int:
        """How many kernels were launched; copies do not count."""
        return sum(kernel.is_kernel for kernel in self.kernels)

    @property
    def span_seconds(self) -> float:
        """Time from the first kernel's start to the last one's end."""
        return (max(k.end for k in self.kernels) - min(k.start for k in self.kernels)) * 1e-6 if self.kernels else 0.0

    @property
    def gaps(self) -> list[float]:
        """Seconds of each gap in which no kernel ran, in time order."""
        found: list[float] = []
        until = float("inf")
        for kernel in sorted(self.kernels, key=lambda kernel: kernel.start):
            if kernel.start > until:
                found.append((kernel.start - until) * 1e-6)
            until = kernel.end if until == float("inf") else max(until, kernel.end)
        return found

    @property
    def busy_seconds(self) -> float:
        """Time in which at least one kernel ran."""
        return self.span_seconds - sum(self.gaps)


def device_work(events: Iterable[Event], frames: list[Frame], known: Known) -> list[DeviceWork] | None:
    """What the device did for each frame; None where the trace holds nothing of a device.

    A kernel belongs where the host launched it. Those launched outside of every frame are left out.
    """
    events = list(events)
    ran = [event for event in events if event.get("cat") in ON_DEVICE and event.get("ph") == "X"]
    if not ran:
        return None
    launched = {
        event["args"]["correlation"]: event["ts"]
        for event in events
        if event.get("cat") in RUNTIME and "correlation" in event.get("args", {})
    }
    work = [DeviceWork() for _ in frames]
    starts = [frame.span.start for frame in frames]
    for event in ran:
        time = launched.get(event["args"].get("correlation"))
        at = -1 if time is None else bisect_right(starts, time) - 1
        if time is None or at < 0 or time > frames[at].span.end:
            continue
        place = place_of(frames[at], known, time)
        end = event["ts"] + event["dur"]
        work[at].kernels.append(Kernel(event["name"], place, event["ts"], end, event["cat"] == KERNEL))
    return work
