"""Whether a time is a measurement. What is none is shown nowhere as one."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from bench.measure.time.samples import COMMON_THROTTLING
from bench.measure.time.stopping import NEGLIGIBLE, WarmUp
from bench.report.rows import Row
from bench.runs.records.run import Configuration
from bench.runs.records.timing import CellTiming, SampleColumns

SETTLED = WarmUp().tolerance or 0.0
"""Share by which the medians of both halves of the samples may differ, as those of two rounds of a warm-up may."""
TIME_FIELDS = ("fps_", "late_", "p50_", "energy_", "compile_seconds")
"""How the columns of `bench.runs.read.read_run` begin that hold times, and what follows from them."""


def doubt(timing: CellTiming, configuration: Configuration) -> str:
    """Why the times of a method are no measurement; empty where they are one.

    A run that scores times few frames, for orientation, and other work may run beside it. A run that only times is
    believed where its times had settled and nothing else ran on the card.
    """
    if not only_timed(configuration):
        return "a sweep times a few frames for orientation"
    return _disturbance(timing) or ("" if _settled(timing) else "times had not settled")


def doubt_of_card(timing: CellTiming) -> str:
    """As `doubt`, of a card's cell: one round, which is a try, cannot show whether times had settled."""
    return _disturbance(timing) or ("" if _rounds(timing) == 1 or _settled(timing) else "times had not settled")


def _disturbance(timing: CellTiming) -> str:
    guard = timing.guard
    if guard is not None and guard.other_processes:
        return f"other processes ran on the card ({guard.other_processes})"
    if (timing.throttled_share or 0.0) > COMMON_THROTTLING:
        return f"the card was slowed down in {timing.throttled_share:.0%} of the passes"
    return ""


def only_timed(configuration: Configuration) -> bool:
    """Whether a run did nothing but time."""
    return configuration.stopping is not None


def without_times(row: Row) -> Row:
    """A row of a run's table without its times."""
    return {name: None if name.startswith(TIME_FIELDS) else value for name, value in row.items()}


def _settled(timing: CellTiming) -> bool:
    """Whether the warm-up saw times settle, or else both halves of the rounds agree for each kind of frame."""
    return bool(timing.warmup_stable) or all(
        _agree(samples, key=key) for samples in timing.samples.values() for key in set(samples.key)
    )


def _rounds(timing: CellTiming) -> int:
    return 1 + max((number for samples in timing.samples.values() for number in samples.round), default=0)


def _agree(samples: SampleColumns, *, key: bool) -> bool:
    middle = (max(samples.round, default=0) + 1) / 2
    halves: Sequence[list[float]] = ([], [])
    for number, is_key, seconds in zip(samples.round, samples.key, samples.seconds, strict=True):
        if is_key == key:
            halves[number >= middle].append(seconds)
    if not all(halves):
        return False  # one round shows nothing
    first, second = map(median, halves)
    return abs(second - first) <= max(SETTLED * first, NEGLIGIBLE)
