"""A table of streaming accuracy: what is on show at each frame's time, by rate of the camera."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bench.methods.names import PER_FRAME, UNTRAINED, method_of
from bench.report.tables.formats import markdown_table
from bench.report.tables.sheet import MISSING, Entry, Header, Sheet, number
from bench.runs.clip_counts import ClipCounts, contrast
from bench.runs.records.schedules import ScheduleCell
from bench.runs.records.stream import StreamCell, StreamRecord

NOTES = (
    "mIoU of the newest finished label map at the time of each frame, against that frame's ground truth; a frame at "
    "whose time nothing is finished yet is wrong at every pixel. The map on show is one frame old at least, since a "
    "frame's result cannot be there when the frame comes.",
    "Offline: every frame waits for its own result. Age: how many frames of the camera the map on show is old, on "
    "average.",
    "Key frames in the background have a processor of their own, which is taken to slow the other down by nothing.",
)
HEADERS = ("Method", "Backbone", "Interval", "Waiting", "Key frames")
Row = tuple[str, str, int, str, str]


def stream_sheet(name: str, about: StreamRecord, cells: Sequence[StreamCell]) -> Sheet:
    """The cells of a streaming evaluation: a row for each method, interval and way to wait, columns by rate."""
    given = about.configuration
    where = f"Times of the run {given.timed_run}, scope {given.scope}; data {given.data}."
    return _sheet(name, f"Streaming accuracy: {name}", cells, (where, *NOTES, *untrained_note(cells)))


def less_per_frame_sheet(name: str, about: StreamRecord, cells: Sequence[StreamCell]) -> Sheet | None:
    """MIoU on show less that of per-frame at the same rate and waiting, paired over clips; None without per-frame."""
    base = {(cell.backbone, cell.rate, cell.waiting): cell for cell in cells if method_of(cell.method) == PER_FRAME}
    others = [
        cell
        for cell in cells
        if method_of(cell.method) != PER_FRAME and (cell.backbone, cell.rate, cell.waiting) in base
    ]
    if not others:
        return None
    classes, rates = len(about.configuration.classes), sorted({cell.rate for cell in others})
    found: dict[Row, dict[float, Entry]] = {}
    for cell in others:
        entry = _less(cell, base[cell.backbone, cell.rate, cell.waiting], classes)
        found.setdefault(row_of(cell), {})[cell.rate] = entry
    return Sheet(
        name=f"{name}-less-per-frame",
        title=f"Streaming accuracy less per-frame's: {name}",
        headers=(
            *(Header(text, number=text == "Interval") for text in HEADERS),
            *(Header(f"{rate:g} Hz", "mIoU less per-frame's (points)") for rate in rates),
        ),
        rows=tuple(
            (*(Entry(str(text)) for text in row), *(of_rate.get(rate, MISSING) for rate in rates))
            for row, of_rate in sorted(found.items())
        ),
        notes=("In brackets the 95 % interval, bootstrapped over the clips, which both share; the times are fixed.",),
    )


def _less(cell: StreamCell, base: StreamCell, num_classes: int) -> Entry:
    counts = [ClipCounts.from_record(of.clips, num_classes) for of in (cell, base)]
    found = contrast([(1.0, counts[0]), (-1.0, counts[1])])
    if found is None:
        return MISSING
    points = 100 * found.estimate
    return Entry(f"{points:+.2f} [{100 * found.low:.2f}, {100 * found.high:.2f}]", points)


def stream_table(cells: Sequence[StreamCell]) -> str:
    """The same as Markdown, the table alone."""
    return markdown_table(_sheet("stream", "Streaming accuracy", cells, ()))


def _sheet(name: str, title: str, cells: Sequence[StreamCell], notes: tuple[str, ...]) -> Sheet:
    rates = sorted({cell.rate for cell in cells})
    found: dict[Row, dict[float, StreamCell]] = {}
    for cell in cells:
        found.setdefault(row_of(cell), {})[cell.rate] = cell
    rows = []
    for row, by_rate in sorted(found.items()):
        offline = next(iter(by_rate.values())).offline_miou
        rows.append(
            (
                *(Entry(str(text)) for text in row),
                _percent(offline),
                *(_percent(by_rate[rate].accuracy.miou) if rate in by_rate else MISSING for rate in rates),
                *(number(by_rate[rate].mean_age, 2) if rate in by_rate else MISSING for rate in rates),
            )
        )
    return Sheet(
        name=name,
        title=title,
        headers=(
            *(Header(text, number=text == "Interval") for text in HEADERS),
            Header("offline", "mIoU (%)"),
            *(Header(f"{rate:g} Hz", "mIoU (%)") for rate in rates),
            *(Header(f"{rate:g} Hz", "Age (frames)") for rate in rates),
        ),
        rows=tuple(rows),
        notes=notes,
        rules=frozenset(i for i in range(1, len(rows)) if rows[i][0] != rows[i - 1][0]),
    )


def row_of(cell: StreamCell) -> Row:
    """What the cells of a row share."""
    return cell.method, cell.backbone, cell.interval, cell.waiting, cell.keys


def untrained_note(cells: Iterable[StreamCell | ScheduleCell]) -> tuple[str, ...]:
    """What a reader must know where weights are random; empty where they are not."""
    rows = dict.fromkeys(cell.method for cell in cells if UNTRAINED in cell.weights)
    return (
        (f"Weights of {', '.join(rows)} are untrained: the accuracies say nothing about the methods.",) if rows else ()
    )


def _percent(share: float | None) -> Any:
    return number(None if share is None else 100 * share, 2)
