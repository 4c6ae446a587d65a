"""A table of times against the size of the frames."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.rows import Row, is_there
from bench.report.run import StudyRun
from bench.report.sizes import pixels_of, series_of, size_of
from bench.report.tables.sheet import MISSING, Entry, Header, Sheet, number

NOTE = (
    "p50 in ms with its 95 % interval, at each height x width of the frames. The last column is how the time grows: 1 "
    "is in proportion to the pixels, from the smallest frame to the largest."
)


def sizes_sheet(group: Sequence[StudyRun], name: str = "sizes") -> Sheet:
    """The median time of each method, scope and kind of frame at each size of a group of `runs_by_size`."""
    pixels = [pixels_of(run) for run in group]
    rows = []
    for key, found in series_of(group).items():
        texts = [Entry(text) for text in (key[1], key[0], *key[2:])]
        times = [_median(found[size]) if size in found else MISSING for size in pixels if size is not None]
        rows.append((*texts, *times, _growth(found)))
    return Sheet(
        name=name,
        title="Times against the frame size",
        headers=(
            *(Header(text, number=False) for text in ("Method", "Backbone", "Scope", "Frames")),
            *(Header(f"{size_of(run)} (ms)") for run in group),
            Header("Growth"),
        ),
        rows=tuple(rows),
        notes=(NOTE,),
        rules=frozenset(i for i in range(1, len(rows)) if rows[i][0] != rows[i - 1][0]),
    )


def _median(row: Row) -> Entry:
    value = float(row["p50_ms"])
    if not is_there(row, "p50_low_ms"):
        return number(value, 3)
    return Entry(f"{value:.3f} [{row['p50_low_ms']:.3f}, {row['p50_high_ms']:.3f}]", value)


def _growth(found: dict[int, Row]) -> Entry:
    """The ratio of the times over the ratio of the pixels, of the largest frame and the smallest."""
    small, large = min(found), max(found)
    if small == large or not found[small]["p50_ms"]:
        return MISSING
    return number(found[large]["p50_ms"] / found[small]["p50_ms"] / (large / small), 2)
