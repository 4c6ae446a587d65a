"""The times of a method as the `timing` of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from statistics import fmean, median
from typing import Any

from bench.measure.time.quantiles import median_interval, quantile
from bench.measure.time.samples import KIND_FIELDS, KINDS, Kind, Sample, Scope, Times, Timing, amortise

DEADLINES = (1 / 30, 1 / 60)
"""Seconds: what a camera of 30 or 60 frames a second leaves for a frame."""


def timing_record(timing: Timing, interval: int, deadlines: Sequence[float]) -> dict[str, Any]:
    """The fields of a cell's `timing` at an interval, with deadlines in seconds; what was not measured is left out."""
    record: dict[str, Any] = {}
    kinds: tuple[Kind, ...] = ("key",) if interval == 1 else KINDS
    for scope, times in timing.times.items():
        record[f"fps_{scope}"] = times.fps(interval)
        for deadline in deadlines:
            late: dict[Kind, float] = {
                kind: share for kind in kinds if (share := times.late(kind, deadline)) is not None
            }
            record[late_field(scope, deadline)] = amortise(late, interval)
    if "labels" in timing.times:
        for kind in KINDS:
            found = timing.times["labels"].seconds(kind) if kind in kinds else []
            record[f"p50_{KIND_FIELDS[kind]}_ms"] = 1000 * median(found) if found else None
    record |= {
        "stopped": timing.course.stopped,
        "rounds": timing.course.rounds,
        "seconds": timing.course.seconds,
        "warmup_rounds": timing.course.warmup_rounds,
        "warmup_stable": timing.course.warmup_stable,
    }
    if timing.compile_seconds is not None:
        record["compile_seconds"] = timing.compile_seconds
    if timing.guard is not None:
        record |= {"throttled_share": timing.guard["throttled_share"], "guard": timing.guard}
    if timing.energy is not None:
        record |= {
            f"energy_{name}": value for name, value in timing.energy.items() if name != "non_key_j" or interval > 1
        }
    return {
        **record,
        "kinds": [
            _kind_row(scope, kind, times, deadlines)
            for scope, times in timing.times.items()
            for kind in kinds
            if times.seconds(kind)
        ],
        "samples": {scope: _columns(times.samples) for scope, times in timing.times.items()},
        "warmup": {scope: _columns(times.warmup) for scope, times in timing.times.items()},
    }


def late_field(scope: Scope, deadline: float) -> str:
    """The name of the share of frames over a deadline in seconds."""
    return f"late_{scope}_{1000 * deadline:.4g}ms"


def _kind_row(scope: Scope, kind: Kind, times: Times, deadlines: Sequence[float]) -> dict[str, Any]:
    seconds = times.seconds(kind)
    interval = median_interval(seconds)
    p90, p99 = (quantile(seconds, share) for share in (0.9, 0.99))
    row = {
        "scope": scope,
        "kind": kind,
        "samples": len(seconds),
        "mean_ms": 1000 * fmean(seconds),
        "p50_ms": 1000 * median(seconds),
        "p50_low_ms": None if interval is None else 1000 * interval.low,
        "p50_high_ms": None if interval is None else 1000 * interval.high,
        "p90_ms": None if p90 is None else 1000 * p90,
        "p99_ms": None if p99 is None else 1000 * p99,
    }
    return row | {f"late_{1000 * deadline:.4g}ms": times.late(kind, deadline) for deadline in deadlines}


def _columns(samples: Sequence[Sample]) -> dict[str, list[Any]]:
    """A list for each field of the samples; fields that are None throughout are left out."""
    rows = [asdict(sample) for sample in samples]
    columns = {field.name: [row[field.name] for row in rows] for field in fields(Sample)}
    return {name: values for name, values in columns.items() if any(value is not None for value in values)}
