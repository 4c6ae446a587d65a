"""The times of two runs against each other, process by process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from bench.compare.counters import Finding
from bench.compare.errors import NotComparableError
from bench.compare.significance import Judgement, judge
from bench.measure.time.samples import COMMON_THROTTLING
from bench.measure.time.stopping import NEGLIGIBLE
from bench.runs.read import read_cells, read_samples
from bench.runs.records.timing import CellTiming

Method = tuple[str, str]
"""Backbone and method."""
BY = ["backbone", "method", "scope", "kind"]


def judge_times(base: Path, new: Path, floor: float, alpha: float) -> Iterator[Finding]:
    """Every time that both runs hold, judged; `alpha` is shared among them.

    UNCLEAR at best, with the reason: the times of a method that had not settled in either run, or that were stopped by
    a time limit before they were as precise as was asked for.

    Raises:
        NotComparableError: the card was slowed down in one of the runs.
    """
    tables = [read_samples(path) for path in (base, new)]
    if any(table.empty for table in tables):
        return
    for path, table in zip((base, new), tables, strict=True):
        _check_card(path, table)
    before, after = (_typical(table) for table in tables)
    timings = [_timings(path) for path in (base, new)]
    shared = [key for key in before if key in after]
    for key in shared:
        backbone, method, scope, kind = key
        of_method = [timing[backbone, method] for timing in timings]
        judgement = judge(
            before[key],
            after[key],
            floor=floor,
            alpha=alpha / len(shared),
            negligible=NEGLIGIBLE,
            paired=of_method[0].sitting is not None and of_method[0].sitting == of_method[1].sitting,
        )
        doubts = [doubt for path, timing in zip((base, new), of_method, strict=True) if (doubt := _doubt(path, timing))]
        yield time_finding(backbone, method, f"time of {kind} frames, {scope} (ms)", judgement, 1000, doubts)


def time_finding(
    group: str, name: str, quantity: str, judgement: Judgement, factor: float, doubts: list[str]
) -> Finding:
    """A judgement as a row of the table; UNCLEAR where there are doubts. `factor` brings times to the row's unit."""
    difference = judgement.difference
    unclear = bool(doubts) or judgement.verdict == "UNCLEAR"
    reasons = [*filter(None, [judgement.reason]), *doubts]
    interval = f" [{difference.low:.3f}, {difference.high:.3f}]" if difference.low > 0 else ""
    return Finding(
        group,
        name,
        quantity,
        factor * difference.base,
        factor * difference.new,
        "UNCLEAR" if unclear else judgement.verdict,
        "; ".join([f"x{difference.ratio:.3f}{interval}", *reasons]),
    )


def _check_card(path: Path, table: pd.DataFrame) -> None:
    share = float(table["throttled"].eq(True).mean()) if "throttled" in table else 0.0
    if share > COMMON_THROTTLING:
        raise NotComparableError(
            f"the card was slowed down around {100 * share:.0f} % of the frames of {path}; measure again on a card "
            "that keeps its clocks, or compare counts only"
        )


def _typical(table: pd.DataFrame) -> dict[tuple[str, ...], list[float]]:
    """The typical time of each process in seconds, by backbone, method, scope and kind of frame.

    It is the mean over the clip's frames of each frame's median over the rounds: what a frame shows makes it quicker or
    slower than another, and does so in every round.
    """
    frames = table[~table["warmup"]].groupby([*BY, "process", "frame"])["seconds"].median()
    found: dict[tuple[str, ...], list[float]] = {}
    for key, seconds in frames.groupby(level=[*BY, "process"]).mean().items():
        *names, _ = key  # type: ignore[misc]
        found.setdefault(tuple(names), []).append(float(seconds))
    return found


def _timings(path: Path) -> dict[Method, CellTiming]:
    return {(cell.backbone, cell.method): cell.timing for cell in read_cells(path) if cell.timing is not None}


def _doubt(path: Path, timing: CellTiming) -> str:
    """Why the times of a run are no ground for a verdict; empty where they are."""
    if timing.warmup_stable is False:
        return f"{path} had not settled when its times were taken"
    if timing.stopped == "time limit":
        return f"{path} was stopped by its time limit, less precise than asked"
    return ""
