"""Predicted speeds and times beside published or measured ones; a predicted figure is in italics, after a `~`."""

from __future__ import annotations

from itertools import pairwise

from bench.report.study import Study
from bench.report.tables.sheet import Entry, Header, Sheet, number

NOTE = (
    "Predicted figures, in italics with ~ before them, were not measured: they follow from the operators that a "
    "network executes. None takes part in a comparison."
)
ROLES = {
    "fitted": "the model was fitted to these networks",
    "seen": "not fitted, but their errors were looked at while the model was made",
    "held out": "chosen before any of their times was known, with the model as it is",
}


def predicted(value: float, digits: int) -> Entry:
    """A figure that was predicted."""
    return Entry(f"~{value:.{digits}f}", value, "predicted")


def predicted_sheets(study: Study) -> list[Sheet]:
    """A table of each kind that the study has predictions for."""
    return [sheet for sheet in (_published(study), _devices(study), _cpu(study)) if sheet.rows]


def _published(study: Study) -> Sheet:
    rows = [
        (
            Entry(f"Table {speed.table}"),
            Entry(speed.method),
            Entry(speed.backbone),
            number(speed.published_fps, 2),
            predicted(speed.predicted_fps, 2),
            _share(speed.error),
            Entry("yes" if speed.fitted else "no"),
        )
        for record in study.costs
        for speed in record.speeds or ()
    ]
    heads = ("Table", "Method", "Backbone", "Published FPS", "Predicted FPS", "Error", "Fitted to")
    return _sheet("predicted-v100", "FPS on an NVIDIA V100: published, and predicted", heads, 3, 6, rows)


def _devices(study: Study) -> Sheet:
    rows = [
        (
            Entry(row.method),
            Entry(row.backbone),
            Entry(f"{record.height}x{record.width}"),
            Entry(row.device),
            Entry(row.precision),
            Entry(row.graph),
            predicted(row.key_ms, 2),
            predicted(row.non_key_ms, 2),
            predicted(row.fps, 2),
        )
        for record in study.costs
        for row in record.predicted or ()
    ]
    heads = ("Method", "Backbone", "Frame", "Device", "Precision", "Graph")
    times = ("Predicted key (ms)", "Predicted non-key (ms)", "Predicted FPS")
    return _sheet("predicted-devices", "Predicted speeds", (*heads, *times), 6, 9, rows)


def _cpu(study: Study) -> Sheet:
    rows = [
        (
            Entry(time.method),
            Entry(time.backbone),
            Entry(f"{time.height}x{time.width}"),
            Entry(time.frame),
            Entry(time.role),
            number(1000 * time.measured_s, 2),
            predicted(1000 * time.predicted_s, 2),
            _share(time.error),
        )
        for record in study.predictions
        for time in record.frames
    ]
    heads = ("Method", "Backbone", "Frame", "Kind", "Role", "Measured (ms)", "Predicted (ms)", "Error")
    title = "CPU time of a frame on one thread: measured, and predicted"
    return _sheet("predicted-cpu", title, heads, 5, 8, rows, *(f"{role}: {what}." for role, what in ROLES.items()))


def _sheet(
    name: str, title: str, heads: tuple[str, ...], first: int, end: int, rows: list[tuple[Entry, ...]], *notes: str
) -> Sheet:
    """A table whose columns from `first` to before `end` are numbers."""
    headers = tuple(Header(head, number=first <= index < end) for index, head in enumerate(heads))
    return Sheet(name=name, title=title, headers=headers, rows=tuple(rows), notes=(NOTE, *notes), rules=_rules(rows))


def _rules(rows: list[tuple[Entry, ...]]) -> frozenset[int]:
    """Where the first column changes."""
    pairs = enumerate(pairwise(rows), start=1)
    return frozenset(index for index, (before, row) in pairs if before[0].text != row[0].text)


def _share(error: float) -> Entry:
    return Entry(f"{error:+.1%}", 100 * error)
