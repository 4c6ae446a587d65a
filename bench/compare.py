"""Two runs against each other: what got slower, what got faster, which counts changed. Reads files alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.measure.samples import COMMON_THROTTLING
from bench.results import read_configuration, read_run, read_samples
from bench.significance import judge

REGRESSIONS = {"SLOWER", "WORSE", "BROKEN"}
CELL = ["backbone", "method", "interval"]
HOW_LONG = {"repeats", "stopping", "deadlines_ms"}
"""Parts of a configuration that do not change what a time means."""


class NotComparableError(ValueError):
    """Two runs whose difference would mean nothing; the message says why."""


@dataclass(frozen=True)
class Counter:
    """A quantity without noise, and what change of it is one."""

    field: str
    tolerance: float
    """Relative; a change up to this is none."""
    better: int
    """1 where more is better, -1 where less is, 0 where any change must be looked at."""


COUNTERS = (
    Counter("parameters", 0.0, 0),
    Counter("key_macs", 0.0, -1),
    Counter("other_macs", 0.0, -1),
    Counter("host_peak_bytes", 0.1, -1),
    Counter("device_peak_bytes", 0.02, -1),
    Counter("miou", 0.001, 1),
)


@dataclass(frozen=True)
class Finding:
    """One quantity of one cell, in both runs."""

    backbone: str
    method: str
    quantity: str
    base: float
    new: float
    verdict: str
    detail: str = ""

    @property
    def is_regression(self) -> bool:
        """Whether a gate should stop here."""
        return self.verdict in REGRESSIONS


def compare_runs(
    base: Path, new: Path, *, floor: float = 0.05, alpha: float = 0.01, times: bool = True
) -> list[Finding]:
    """Every quantity that both runs hold, judged.

    Args:
        base: a run's folder, see `bench.results`.
        new: another, of the same configuration.
        floor: relative change of a median time below which it counts as none.
        alpha: chance of a false alarm that is accepted over the whole comparison; shared among its times. It
            is that of sampling: where the machine itself ran slower during one run, that run is slower.
        times: whether times are compared, or counts alone.

    Raises:
        NotComparableError: the runs differ in what was measured, share no cell, or one was throttled.
        ValueError: a folder is no run; floor or alpha is out of range.
    """
    if floor < 0 or not 0 < alpha < 1:
        raise ValueError(f"floor is {floor} and alpha {alpha}; they must be 0 or more, and between 0 and 1")
    before, after = read_run(base), read_run(new)
    _check_comparable(
        *(read_configuration(path)["configuration"] for path in (base, new)),
        accuracy=all("miou" in table and table["miou"].notna().any() for table in (before, after)),
    )
    cells = before.merge(after, on=CELL, suffixes=("_base", "_new"))
    if cells.empty:
        raise NotComparableError(f"{base} and {new} share no cell of backbone, method and interval")
    timed = _times(base, new, floor, alpha) if times else ()
    return [*_broken(cells), *_counters(cells), *timed]


def _check_comparable(base: dict[str, Any], new: dict[str, Any], *, accuracy: bool) -> None:
    """Refuse what differs in data, options or machine, and other weights where both runs have an `accuracy`."""
    keys = {*base, *new} - HOW_LONG - (set() if accuracy else {"weights"})
    differing = [key for key in sorted(keys) if base.get(key) != new.get(key)]
    if differing:
        reasons = "; ".join(f"{key}: {base.get(key)!r} against {new.get(key)!r}" for key in differing)
        raise NotComparableError(f"the runs differ in what was measured: {reasons}")


def _broken(cells: pd.DataFrame) -> Iterator[Finding]:
    for row in cells.to_dict("records"):
        if row["status_base"] == "ok" and row["status_new"] != "ok":
            name = f"interval {row['interval']}"
            yield Finding(row["backbone"], row["method"], name, 1, 0, "BROKEN", str(row["error_new"]))


def _counters(cells: pd.DataFrame) -> Iterator[Finding]:
    for row in cells.to_dict("records"):
        for counter in COUNTERS:
            before, after = row.get(f"{counter.field}_base"), row.get(f"{counter.field}_new")
            if before is None or after is None or pd.isna(before) or pd.isna(after):
                continue
            change = after - before
            if abs(change) <= counter.tolerance * abs(before):
                verdict = "SAME"
            elif counter.better == 0:
                verdict = "WORSE"
            else:
                verdict = "BETTER" if change * counter.better > 0 else "WORSE"
            name = f"{counter.field} at interval {row['interval']}"
            yield Finding(row["backbone"], row["method"], name, before, after, verdict)


def _times(base: Path, new: Path, floor: float, alpha: float) -> Iterator[Finding]:
    tables = [read_samples(path) for path in (base, new)]
    if any(table.empty for table in tables):
        return
    for path, table in zip((base, new), tables, strict=True):
        share = float(table["throttled"].eq(True).mean()) if "throttled" in table else 0.0
        if share > COMMON_THROTTLING:
            raise NotComparableError(
                f"the card was slowed down around {100 * share:.0f} % of the frames of {path}; measure again on a card "
                "that keeps its clocks, or leave times out (--counts-only)"
            )
    by = ["backbone", "method", "scope", "kind"]
    before, after = (
        {key: group["seconds"].tolist() for key, group in table[~table["warmup"]].groupby(by, sort=False)}
        for table in tables
    )
    shared = [key for key in before if key in after]
    for key in shared:
        verdict, difference = judge(before[key], after[key], floor=floor, alpha=alpha / len(shared))
        backbone, method, scope, kind = map(str, key)  # type: ignore[arg-type]
        yield Finding(
            backbone,
            method,
            f"time of {kind} frames, {scope} (s)",
            float(pd.Series(before[key]).median()),
            float(pd.Series(after[key]).median()),
            verdict,
            f"x{difference.ratio:.3f} [{difference.low:.3f}, {difference.high:.3f}]",
        )
