"""Two runs against each other: what got slower, what got faster, which counts changed. Reads files alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bench.compare.comparison import Comparison
from bench.compare.counters import PARAMETERS, Counter, Finding, judge_operators
from bench.compare.errors import NotComparableError
from bench.compare.times import judge_times
from bench.runs.read import read_operators, read_run, read_run_record
from bench.runs.records.environment import Environment
from bench.runs.records.run import Configuration
from bench.runs.write import differences
from mpvss.errors import UserError

CELL = ["backbone", "method", "interval"]
HOW_LONG = {"repeats", "stopping", "deadlines_ms", "frame_rate"}
"""Parts of a configuration that do not change what a time means."""
OF_A_METHOD = (
    PARAMETERS,
    Counter("key_macs", 0.0, -1),
    Counter("non_key_macs", 0.0, -1),
    Counter("host_peak_bytes", 0.1, -1),
    Counter("device_peak_bytes", 0.02, -1),
)
"""Counters that are the same at every interval."""
OF_A_CELL = (Counter("miou", 0.001, 1),)


def compare(
    base: Path | str,
    new: Path | str,
    *,
    floor: float = 0.05,
    alpha: float = 0.01,
    counts_only: bool = False,
    times_only: bool = False,
) -> Comparison:
    """Compare two runs of one configuration.

    >>> run = "results/measured/small-methods"
    >>> compare(run, run, counts_only=True).is_regression
    False

    Args:
        base: a run's folder.
        new: another, of the same configuration.
        floor: relative change of a time below which it counts as none.
        alpha: chance of a false alarm that is accepted over the whole comparison; shared among its times. It covers
            what varies from process to process; where the machine ran slower during all of one run, that run is
            slower, unless the two were taken in turn.
        counts_only: whether times are left out, on a machine that others use too.
        times_only: whether counts, memory and accuracy are left out.

    Raises:
        NotComparableError: the runs differ in what was measured, share no cell, or one was throttled.
        UserError: a folder is no run; floor or alpha is out of range; both counts and times are to be left out.
    """
    base, new = Path(base), Path(new)
    if floor < 0 or not 0 < alpha < 1:
        raise UserError(f"floor is {floor} and alpha {alpha}; they must be 0 or more, and between 0 and 1")
    if counts_only and times_only:
        raise UserError("counts only and times only leave nothing to compare; choose one")
    before, after = read_run(base), read_run(new)
    _check_comparable(
        *(read_run_record(path).configuration for path in (base, new)),
        accuracy=all(table["miou"].notna().any() for table in (before, after)),
    )
    cells = before.merge(after, on=CELL, suffixes=("_base", "_new"))
    if cells.empty:
        raise NotComparableError(f"{base} and {new} share no cell of backbone, method and interval")
    timed = () if counts_only else judge_times(base, new, floor, alpha)
    counted = () if times_only else (*_counters(cells), *_operators(base, new))
    findings = [*_broken(cells), *_unfinished(before, after, new), *counted, *timed]
    return Comparison(f"{new} against {base}", findings, _remarks(base, new))


def _remarks(base: Path, new: Path) -> list[str]:
    keys = [set(read_run(path)[CELL].itertuples(index=False, name=None)) for path in (base, new)]
    alone = [(path, len(own - other)) for path, own, other in zip((base, new), keys, reversed(keys), strict=True)]
    texts = [f"{count} {'cell' if count == 1 else 'cells'} of {path} alone" for path, count in alone if count]
    facts = [_facts(read_run_record(path).starts[-1].environment) for path in (base, new)]
    names = sorted({*facts[0], *facts[1]})
    return texts + [f"{x}: {facts[0].get(x)} → {facts[1].get(x)}" for x in names if facts[0].get(x) != facts[1].get(x)]


def _facts(environment: Environment) -> dict[str, Any]:
    plain = {name: getattr(environment, name) for name in ("commit", "os", "python", "cuda", "cudnn", "driver")}
    return {**plain, **environment.libraries}


def _check_comparable(base: Configuration, new: Configuration, *, accuracy: bool) -> None:
    """Refuse what differs in data, options or machine, and other weights where both runs have an `accuracy`."""
    ignored = HOW_LONG | (set() if accuracy else {"weights"})
    found = {name: values for name, values in differences(base, new).items() if name not in ignored}
    if found:
        reasons = "; ".join(f"{name}: {was!r} against {now!r}" for name, (was, now) in found.items())
        raise NotComparableError(f"the runs differ in what was measured: {reasons}")


def _broken(cells: pd.DataFrame) -> Iterator[Finding]:
    for row in cells.to_dict("records"):
        if row["status_base"] == "ok" and row["status_new"] != "ok":
            name = f"interval {row['interval']}"
            yield Finding(row["backbone"], row["method"], name, 1, 0, "BROKEN", str(row["error_new"]))


def _unfinished(before: pd.DataFrame, after: pd.DataFrame, new: Path) -> Iterator[Finding]:
    """Cells that the new run was asked for, and does not have."""
    asked = read_run_record(new).asked
    there = set(after[CELL].itertuples(index=False, name=None))
    for row in before.to_dict("records"):
        backbone, method, interval = cell = tuple(row[name] for name in CELL)
        wanted = backbone in asked.backbones and method in asked.methods and interval in asked.intervals
        if wanted and row["status"] == "ok" and cell not in there:
            yield Finding(backbone, method, f"interval {interval}", 1, 0, "BROKEN", "asked for, and not measured")


def _counters(cells: pd.DataFrame) -> Iterator[Finding]:
    rows = cells.to_dict("records")
    last = {(row["backbone"], row["method"]): row for row in rows}
    for row in last.values():
        yield from _counters_of(row, OF_A_METHOD, "")
    for row in rows:
        yield from _counters_of(row, OF_A_CELL, f" at interval {row['interval']}")


def _counters_of(row: Mapping[Any, Any], counters: tuple[Counter, ...], where: str) -> Iterator[Finding]:
    for counter in counters:
        base, new = row.get(f"{counter.field}_base"), row.get(f"{counter.field}_new")
        if base is not None and new is not None and not pd.isna(base) and not pd.isna(new):
            verdict, detail = counter.judge(base, new)
            yield Finding(row["backbone"], row["method"], counter.field + where, base, new, verdict, detail)


def _operators(base: Path, new: Path) -> Iterator[Finding]:
    before, after = read_operators(base), read_operators(new)
    for backbone, method, kind in before:
        calls = after.get((backbone, method, kind))
        if calls is not None:
            total, now, verdict, detail = judge_operators(before[backbone, method, kind], calls)
            yield Finding(backbone, method, f"operators of {kind} frames", total, now, verdict, detail)
