"""What was found, in two or three sentences that are made from the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.methods.names import PER_FRAME, method_of
from bench.report.choice import COUNTED, DataSet, Option, data_sets
from bench.report.claims.claims import NOT_MEASURABLE, NOT_REPRODUCED, NOT_RESOLVED, REPRODUCED
from bench.report.contents import Report
from bench.report.published import INTERVAL
from bench.report.rows import is_untrained

SUBJECT, RIVALS = "mpvss", ("copy", "optical-flow")
"""The method that the sentences are about, and those that it is held against over the interval."""
NO_ACCURACY = "No run in this report has an accuracy."
COSTS = {COUNTED: "multiply-accumulates", "ms a frame": "time"}
"""What a share of a cost is called."""


def found(report: Report) -> list[str]:
    """The sentences; a report without an accuracy says so."""
    sets = data_sets(report.study)
    of_data = [*_beside_per_frame(sets[0]), *_over_intervals(sets[0])] if sets else [NO_ACCURACY]
    return [*of_data, *_claims(report)]


def _beside_per_frame(data: DataSet) -> Iterator[str]:
    """What the subject loses and saves at the paper's interval."""
    for subject in _trained(data, SUBJECT, INTERVAL):
        base = next(_trained(data, PER_FRAME, 1, subject.cell["backbone"]), None)
        if base is None or subject.less is None:
            continue
        gap = f"{_gap(*subject.less)} per-frame"
        shares = [
            f"{100 * cost / base.costs[name]:.0f} % of its {what}{name.removeprefix(plain)}"
            for plain, what in COSTS.items()
            for name, cost in subject.costs.items()
            if name.startswith(plain) and base.costs.get(name)
        ]
        takes = f" and takes {' and '.join(shares)}" if shares else ""
        who = f"{subject.cell['method']} with {subject.cell['backbone']} at interval {INTERVAL}"
        yield f"{who} is {gap}{takes}."
        return


def _gap(less: float, low: float, high: float) -> str:
    """How far a method is under or over another."""
    low, high = sorted((abs(low), abs(high))) if low * high > 0 else (low, high)
    bounds = f" [{low:.1f}, {high:.1f}]" if low < high else ""
    return f"{abs(less):.1f} points of mIoU{bounds} {'below' if less < 0 else 'above'}"


def _over_intervals(data: DataSet) -> Iterator[str]:
    """How the subject falls over the interval, and those that it is held against."""
    falls = []
    for base in (SUBJECT, *RIVALS):
        points: dict[str, list[Option]] = {}
        for option in data.options:
            cell = option.cell
            if method_of(cell["method"]) == base and cell["interval"] > 1 and not is_untrained(cell):
                points.setdefault(f"{cell['method']} {cell['backbone']}", []).append(option)
        falls += [(ends[0].cell["method"], *ends) for group in points.values() if (ends := _ends(group))]
    if not falls or method_of(falls[0][0]) != SUBJECT:
        return
    name, first, last = falls[0]
    span = (first.cell["interval"], last.cell["interval"])
    others = [
        f"{other} {start.miou - end.miou:.1f}"
        for other, start, end in falls[1:]
        if (start.cell["interval"], end.cell["interval"]) == span and start.cell["backbone"] == first.cell["backbone"]
    ]
    beside = f" ({', '.join(others)})" if others else ""
    yield f"From interval {span[0]} to {span[1]} {name} loses {first.miou - last.miou:.1f} points{beside}."


def _ends(options: Sequence[Option]) -> tuple[Option, Option] | None:
    """Those at the smallest and the largest interval."""
    ordered = sorted(options, key=lambda option: option.cell["interval"])
    return None if ordered[0].cell["interval"] == ordered[-1].cell["interval"] else (ordered[0], ordered[-1])


def _claims(report: Report) -> Iterator[str]:
    tally = report.tally()
    judged = [f"{tally[v]} {v}" for v in (REPRODUCED, NOT_REPRODUCED, NOT_RESOLVED) if v in tally]
    if judged:
        rest = f"; {tally[NOT_MEASURABLE]} cannot be measured here" if NOT_MEASURABLE in tally else ""
        yield f"Of the paper's claims, case by case: {', '.join(judged)}{rest}."


def _trained(data: DataSet, base: str, interval: int, backbone: str | None = None) -> Iterator[Option]:
    for option in data.options:
        cell = option.cell
        if (cell["method"], cell["interval"]) != (base, interval) or is_untrained(cell):
            continue
        if backbone in (None, cell["backbone"]):
            yield option
