"""Joules per frame, from the card's own counter, which includes the idle power of the whole card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter, sleep
from typing import Any

import torch
from torch import Tensor

from bench.measure.time.modes import Mode, Steps
from bench.measure.time.passes import settled_frame

SHORTEST_WINDOW = 1.0
"""The least seconds of work over which a frame's energy is averaged."""
PERIODS_IN_WINDOW = 20
"""The least number of counter changes within a window; the counter may be off by one period at either end."""
PATIENCE = 2.0
"""Seconds to wait for the counter to change twice."""


@dataclass(frozen=True)
class Meter:
    """The counter: joules, seconds between its changes, and what waits until the device has done its work."""

    joules: Callable[[], float]
    period: float
    wait: Callable[[], object]
    clock: Callable[[], float] = perf_counter

    @property
    def window(self) -> float:
        """How long a measurement lasts, in seconds."""
        return max(SHORTEST_WINDOW, PERIODS_IN_WINDOW * self.period)

    def per_call(self, call: Callable[[], object]) -> float:
        """Joules per call, averaged over as many calls as fill the window.

        The device is waited for only after every few calls, so that it stays busy.
        """
        self.wait()
        before, start = self.joules(), self.clock()
        calls, at_once = 0, 1
        while self.clock() - start < self.window:
            for _ in range(at_once):
                call()
            self.wait()
            calls += at_once
            at_once = max(1, calls // 10)
        return (self.joules() - before) / calls


def counter_period(
    joules: Callable[[], float],
    clock: Callable[[], float] = perf_counter,
    pause: Callable[[float], object] = sleep,
    changes: int = 5,
) -> float | None:
    """The longest time between changes of the counter in seconds, polled every millisecond.

    None if the counter changes fewer than two times within `PATIENCE`.
    """
    start = clock()
    value, changed = joules(), list[float]()
    while len(changed) < changes and clock() - start < PATIENCE:
        pause(0.001)
        if (now := joules()) != value:
            value = now
            changed.append(clock())
    gaps = [after - before for before, after in pairwise(changed)]
    return max(gaps, default=None)


def frame_energy(
    meter: Meter, steps: Steps, frames: Sequence[Tensor], mode: Mode, *, every_frame_key: bool
) -> dict[str, Any]:
    """Joules of a key and a non-key frame, and the seconds of the window and of the counter's period.

    `key_j` comes from segmenting the first frame repeatedly, or without key frames from a frame far from the clip's
    ends; `non_key_j` from propagating repeatedly to the second.
    """
    device = frames[0].device
    with torch.inference_mode(), mode.autocast(device):
        key = (lambda: steps.key(frames[0])) if steps.key_frames else settled_frame(steps, frames)
        found: dict[str, Any] = {"key_j": meter.per_call(key)}
        if not every_frame_key and len(frames) > 1:
            state = steps.key(frames[0])[1]
            found["non_key_j"] = meter.per_call(lambda: steps.non_key(frames[1], state))
    return {**found, "window_s": meter.window, "counter_period_s": meter.period}
