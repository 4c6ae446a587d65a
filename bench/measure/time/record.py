"""The times of a method as the `timing` of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from statistics import fmean, median
from typing import Any

import msgspec

from bench.measure.time.processes import quantile_bounds
from bench.measure.time.quantiles import quantile_interval
from bench.measure.time.samples import KIND_FIELDS, KINDS, Kind, Sample, Scope, Times, Timing, amortise
from bench.runs.records.timing import CardSummary, CellTiming, KindTimes, Late, SampleColumns

DEADLINES = (1 / 30, 1 / 60)
"""Seconds: what a camera of 30 or 60 frames a second leaves for a frame."""
THROUGHPUT: Scope = "throughput"
"""Its times are no latencies: no deadline is held against them."""
SAME_DEADLINE = 1e-3
"""Relative difference below which a deadline is a frame rate's: 33.33 ms is 30 Hz."""
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
"""Each quantile that is recorded, as part of a field's name: `p90_low_ms`."""


def timing_record(timing: Timing, interval: int, deadlines: Sequence[float]) -> CellTiming:
    """The `timing` of a cell at an interval, with deadlines in seconds; what was not measured is None."""
    kinds: tuple[Kind, ...] = ("key",) if interval == 1 else KINDS
    medians: dict[str, float] = {}
    if "labels" in timing.times:
        for kind in kinds:
            found = timing.times["labels"].seconds(kind)
            if found:
                medians[f"p50_{KIND_FIELDS[kind]}_ms"] = 1000 * median(found)
    energy = {
        f"energy_{name}": value for name, value in (timing.energy or {}).items() if name != "non_key_j" or interval > 1
    }
    height, width = timing.size or (None, None)
    return CellTiming(
        height=height,
        width=width,
        samples={scope: _columns(times.samples) for scope, times in timing.times.items()},
        warmup={scope: _columns(times.warmup) for scope, times in timing.times.items()},
        kinds=[
            _kind_times(scope, kind, times, deadlines)
            for scope, times in timing.times.items()
            for kind in kinds
            if times.seconds(kind)
        ],
        **_fps(timing, interval),
        late={
            scope: _late(times, kinds, interval, deadlines)
            for scope, times in timing.times.items()
            if scope != THROUGHPUT
        },
        **medians,
        stopped=timing.course.stopped,
        rounds=timing.course.rounds,
        seconds=timing.course.seconds,
        before_seconds=timing.course.before_seconds,
        warmup_rounds=timing.course.warmup_rounds,
        warmup_stable=timing.course.warmup_stable,
        compile_seconds=timing.compile_seconds,
        throttled_share=None if timing.guard is None else timing.guard["throttled_share"],
        guard=None if timing.guard is None else msgspec.convert(timing.guard, CardSummary),
        **energy,
    )


def _fps(timing: Timing, interval: int) -> dict[str, float | None]:
    """FPS by scope; in scope `throughput` of the median pass, with its 95 % interval where there are 6 passes."""
    found = {f"fps_{scope}": times.fps(interval) for scope, times in timing.times.items()}
    if THROUGHPUT in timing.times:
        processes = timing.times[THROUGHPUT].fps_of_passes(interval)
        rates = [rate for process in processes for rate in process]
        bounds = quantile_bounds(processes, 0.5)
        found[f"fps_{THROUGHPUT}"] = median(rates) if rates else None
        if bounds is not None:
            found |= {f"fps_{THROUGHPUT}_low": bounds[0], f"fps_{THROUGHPUT}_high": bounds[1]}
    return found


def _late(times: Times, kinds: Sequence[Kind], interval: int, deadlines: Sequence[float]) -> Late:
    """The share of a clip's frames over each deadline."""
    shares: Late = {}
    for deadline in deadlines:
        of_kind: dict[Kind, float] = {
            kind: share for kind in kinds if (share := times.late(kind, deadline)) is not None
        }
        shares[_in_ms(deadline)] = amortise(of_kind, interval)
    return shares


def deadline_name(milliseconds: float, frame_rate: float | None = None) -> str:
    """A deadline in words: its time, the whole rate that it belongs to, and whether that is the data's `frame_rate`.

    >>> [deadline_name(33.33), deadline_name(20.5), deadline_name(33.37, 29.97)]
    ['33.33 ms (30 Hz)', '20.5 ms', "33.37 ms (29.97 Hz, the data's frame rate)"]
    """
    rate = 1000 / milliseconds
    text = f"{milliseconds:.4g} ms"
    if frame_rate is not None and abs(rate - frame_rate) < SAME_DEADLINE * rate:
        return f"{text} ({frame_rate:.4g} Hz, the data's frame rate)"
    return f"{text} ({rate:.0f} Hz)" if abs(rate - round(rate)) < SAME_DEADLINE * rate else text


def _in_ms(deadline: float) -> str:
    return f"{1000 * deadline:.4g}"


def _kind_times(scope: Scope, kind: Kind, times: Times, deadlines: Sequence[float]) -> KindTimes:
    seconds = times.seconds(kind)
    return KindTimes(
        scope=scope,
        kind=kind,
        samples=len(seconds),
        mean_ms=1000 * fmean(seconds),
        **quantile_fields(times.by_process(kind)),
        late={_in_ms(deadline): times.late(kind, deadline) for deadline in deadlines if scope != THROUGHPUT},
    )


def quantile_fields(processes: Sequence[Sequence[float]]) -> dict[str, float]:
    """The fields of p50, p90 and p99 in ms, of times in seconds by process.

    A bound, p90 and p99 are there only where there are samples enough.
    """
    seconds = [time for process in processes for time in process]
    fields = {"p50_ms": 1000 * median(seconds)}
    for name, share in QUANTILES.items():
        found, bounds = quantile_interval(seconds, share), quantile_bounds(processes, share)
        if found is not None and bounds is not None:
            values = {"": found.value, "_low": bounds[0], "_high": bounds[1]}
            fields |= {f"{name}{end}_ms": 1000 * value for end, value in values.items()}
    return fields


def _columns(samples: Sequence[Sample]) -> SampleColumns:
    """A list for each field of the samples; None for fields that are None throughout."""
    rows = [asdict(sample) for sample in samples]
    columns: dict[str, Any] = {field.name: [row[field.name] for row in rows] for field in fields(Sample)}
    optional = ("place", "other_clock", "throttled", "process")
    return SampleColumns(
        **{
            name: values
            for name, values in columns.items()
            if name not in optional or any(value is not None for value in values)
        }
    )
