"""What several processes measured, as one measurement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from bench.measure.time.processes import mean_of_logs
from bench.measure.time.quantiles import CONFIDENCE
from bench.measure.time.samples import KINDS, Course, Sample, Times, Timing
from bench.measure.time.stopping import NEGLIGIBLE, Precision, Rule
from bench.sweep.times import Measured


def merged(processes: Sequence[Measured], rule: Rule) -> Measured:
    """One measurement whose samples name their process; a method that failed in one process has failed.

    `rule` says how precise it was to be. Memory, operators and energy are those of the first process.
    """
    first = processes[0]
    failed = {method: failure for measured in reversed(processes) for method, failure in measured.failed.items()}
    timings = {
        method: merged_timing([measured.timings[method] for measured in processes])
        for method in first.timings
        if method not in failed
    }
    precise = all(timing.course.stopped == "precision" for timing in timings.values())
    if (
        isinstance(rule, Precision)
        and precise
        and not all(_precise(times, rule.width) for timing in timings.values() for times in timing.times.values())
    ):
        timings = {
            method: replace(timing, course=replace(timing.course, stopped="processes"))
            for method, timing in timings.items()
        }
    return Measured(timings, first.alone, first.weights, failed, first.lookahead)


def merged_timing(timings: Sequence[Timing]) -> Timing:
    """The times of one method, of several processes."""
    first = timings[0]
    compiled = [timing.compile_seconds for timing in timings if timing.compile_seconds is not None]
    guards = [timing.guard for timing in timings if timing.guard is not None]
    return Timing(
        {
            scope: Times(
                _numbered(timing.times[scope].samples for timing in timings),
                _numbered(timing.times[scope].warmup for timing in timings),
            )
            for scope in first.times
        },
        _course([timing.course for timing in timings]),
        max(compiled, default=None),
        _guard(guards) if guards else None,
        first.energy,
        first.size,
    )


def _numbered(processes: Iterable[Sequence[Sample]]) -> list[Sample]:
    return [replace(sample, process=index) for index, samples in enumerate(processes) for sample in samples]


def _course(courses: Sequence[Course]) -> Course:
    """The sums; what ended any process early ended them all, and all must have settled."""
    stopped = [course.stopped for course in courses]
    settled = [course.warmup_stable for course in courses if course.warmup_stable is not None]
    return Course(
        stopped=next((reason for reason in ("failure", "time limit") if reason in stopped), stopped[0]),
        rounds=sum(course.rounds for course in courses),
        seconds=sum(course.seconds for course in courses),
        before_seconds=sum(course.before_seconds for course in courses),
        warmup_rounds=sum(course.warmup_rounds for course in courses),
        warmup_stable=all(settled) if settled else None,
    )


def _precise(times: Times, width: float) -> bool:
    """Whether the medians' intervals over the processes are as narrow as was asked for."""
    for kind in KINDS:
        groups = times.by_process(kind)
        found = mean_of_logs([median(group) for group in groups])
        if found is not None:
            low, high = found.bounds(CONFIDENCE)
            if high - low > max(width * (low + high) / 2, NEGLIGIBLE):
                return False
    return True


def _guard(guards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the card did in all processes."""
    clocks = [clock for guard in guards for clock in guard["sm_clock_mhz"]]
    readings = [len(guard["readings"]) for guard in guards]
    throttled = sum(guard["throttled_share"] * count for guard, count in zip(guards, readings, strict=True))
    return {
        "sm_clock_mhz": [min(clocks), max(clocks)],
        **{name: max(guard[name] for guard in guards) for name in ("temperature_c", "power_w", "other_processes")},
        "throttle_reasons": sorted({reason for guard in guards for reason in guard["throttle_reasons"]}),
        "throttled_share": throttled / sum(readings),
        "readings": [reading for guard in guards for reading in guard["readings"]],
    }
