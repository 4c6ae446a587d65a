"""A table of key-frame schedules, each beside the fixed interval at equal cost."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.against_fixed import AgainstFixed, against_fixed
from bench.report.tables.formats import markdown_table
from bench.report.tables.sheet import MISSING, Entry, Header, Sheet, number
from bench.report.tables.stream import untrained_note
from bench.runs.records.schedules import FIXED, KINDS, ScheduleCell, SchedulesRecord

NOTES = (
    "Cost is in GMACs a frame, the mean over all frames, with what the schedule computes; which is shown apart too. "
    "Fixed: the mIoU of the fixed interval at the same cost, between two intervals interpolated. The difference is in "
    "points, its 95 % interval bootstrapped over clips, which all share.",
    "Levels were chosen on these clips, by the number of key frames alone. `oracle` knows the ground truth; `budget` "
    "looks at frames to come; `random` is chance.",
)
HEADERS = ("Method", "Backbone", "Schedule", "Aim", "Key frames", "GMACs", "of schedule", "mIoU (%)", "Fixed (%)")


def schedules_sheet(name: str, about: SchedulesRecord, cells: Sequence[ScheduleCell]) -> Sheet:
    """The schedules of a folder: a row a method, schedule and interval that was aimed at."""
    given = about.configuration
    where = f"Data {given.data}. DVSNet's decision network: {given.decision_weights} weights."
    return _sheet(
        name, f"Key-frame schedules: {name}", cells, len(given.classes), (where, *NOTES, *untrained_note(cells))
    )


def schedules_table(cells: Sequence[ScheduleCell]) -> str:
    """The same as Markdown, the table alone."""
    classes = 1 + max((clip.classes[-1] for cell in cells for clip in cell.clips if clip.classes), default=0)
    return markdown_table(_sheet("schedules", "Key-frame schedules", cells, classes, ()))


def in_order(cells: Sequence[ScheduleCell]) -> list[ScheduleCell]:
    """By method, schedule and interval."""
    return sorted(cells, key=lambda cell: (cell.method, cell.backbone, KINDS.index(cell.schedule), cell.interval))


def _sheet(name: str, title: str, cells: Sequence[ScheduleCell], num_classes: int, notes: tuple[str, ...]) -> Sheet:
    rows = [_row(cell, cells, num_classes) for cell in in_order(cells)]
    return Sheet(
        name=name,
        title=title,
        headers=(
            *(Header(text, number=index > 2) for index, text in enumerate(HEADERS)),
            Header("Difference (points)"),
            Header("Verdict", number=False),
        ),
        rows=tuple(rows),
        notes=notes,
        rules=frozenset(
            i for i in range(1, len(rows)) if [e.text for e in rows[i][:3]] != [e.text for e in rows[i - 1][:3]]
        ),
    )


def _row(cell: ScheduleCell, cells: Sequence[ScheduleCell], num_classes: int) -> tuple[Entry, ...]:
    miou = cell.accuracy.miou
    beside = None if cell.schedule == FIXED else against_fixed(cell, cells, num_classes)
    return (
        *(Entry(text) for text in (cell.method, cell.backbone, cell.schedule)),
        number(cell.interval, 0),
        number(cell.key_frames, 0),
        number(1e-9 * cell.mean_macs, 4),
        number(1e-9 * cell.schedule_macs, 4),
        number(None if miou is None else 100 * miou, 2),
        *_beside(beside),
    )


def _beside(beside: AgainstFixed | None) -> tuple[Entry, Entry, Entry]:
    if beside is None:
        return MISSING, MISSING, MISSING
    found = beside.difference
    text = (
        MISSING
        if found is None
        else Entry(f"{100 * found.estimate:+.2f} [{100 * found.low:.2f}, {100 * found.high:.2f}]", 100 * found.estimate)
    )
    fixed = number(None if beside.fixed is None else 100 * beside.fixed, 2)
    return fixed, text, Entry(beside.verdict)
