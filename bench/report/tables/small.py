"""Small-scale counterparts of the paper's tables: of the same shape, over the methods, backbones and data of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report.published import ACCURACIES, INTERVAL, METRICS, Metric
from bench.report.rows import Row, is_there, is_untrained
from bench.report.run import StudyRun
from bench.report.tables.sheet import MISSING, Entry, Header, Sheet, mark_columns, marked, number
from bench.runs.clip_counts import contrast

PROPAGATION = ("per-frame", "copy", "optical-flow", "mpvss", "ground-truth-flow")
"""Columns of Table 3a; ground-truth flow, where it is known, is the ceiling of any one-flow method."""
REFERENCES = ("per-frame", "ground-truth-flow")
"""They do not compete."""
FLOW_DESIGNS = ("optical-flow", "mpvss-query-random", "mpvss-query-learned", "mpvss-query-for-pf", "mpvss")
"""Rows of Table 3b."""
INTERVAL_NOTE = "In brackets the 95 % interval, bootstrapped over clips."


def small_tables(run: StudyRun) -> list[Sheet]:
    """Tables 1, 3a and 3b at interval 5; those of which the run has no accuracy are left out."""
    if not run.scored:
        return []
    return [sheet for sheet in (_table_1(run), _table_3a(run), _table_3b(run)) if sheet.rows]


def accuracy(cell: Row | None, field: str, digits: int = 2) -> Entry:
    """A fraction in %, with its 95 % interval where that is known."""
    if cell is None or not is_there(cell, field):
        return MISSING
    text = f"{100 * cell[field]:.{digits}f}"
    if is_there(cell, f"{field}_low"):
        text += f" [{100 * cell[f'{field}_low']:.{digits}f}, {100 * cell[f'{field}_high']:.{digits}f}]"
    return Entry(text, 100 * float(cell[field]))


def _table_1(run: StudyRun) -> Sheet:
    """Every method and backbone with all metrics."""
    methods = list(dict.fromkeys(cell["method"] for cell in run.cells))
    keys = [(method, backbone) for method in methods for backbone in run.backbones]
    cells = [(key, cell) for key in keys if (cell := run.cell(key[1], key[0], INTERVAL)) is not None]
    shown = {name: m for name, m in METRICS.items() if any(is_there(cell, m.field) for _, cell in cells)}
    against = _only_mpvss(run)
    rows = [
        [
            Entry(method),
            Entry(backbone),
            *(_value(cell, name, metric) for name, metric in shown.items()),
            *([] if against is None else [_less(run, cell, against)]),
        ]
        for (method, backbone), cell in cells
    ]
    starts = [i for i in range(1, len(rows)) if rows[i][0].text != rows[i - 1][0].text and len(run.backbones) > 1]
    higher = {index: metric.higher for index, metric in enumerate(shown.values(), start=2)}
    competing = [i for i, ((method, _), _) in enumerate(cells) if method != "ground-truth-flow"]
    return Sheet(
        name=f"{run.name}-table-1",
        title=f"Small-scale Table 1: {run.name}, interval {INTERVAL}",
        headers=(
            Header("Method", number=False),
            Header("Backbone", number=False),
            *(Header(metric.title) for metric in shown.values()),
            *([] if against is None else [Header("mIoU less mpvss's (points)")]),
        ),
        rows=tuple(map(tuple, mark_columns(rows, higher, competing) if rows else rows)),
        notes=(*_notes(run, [cell for _, cell in cells]), *_times(run, shown)),
        rules=frozenset(starts),
    )


def _only_mpvss(run: StudyRun) -> Row | None:
    """The MPVSS that a run holds against other families of networks; None where there is no one such."""
    found = [cell for backbone in run.backbones if (cell := run.cell(backbone, "mpvss", INTERVAL)) is not None]
    return found[0] if len(found) == 1 and len(run.backbones) > 1 and is_there(found[0], "miou") else None


def _less(run: StudyRun, cell: Row, other: Row) -> Entry:
    """The mIoU of a cell less that of another, in points; its interval is bootstrapped over the clips of both."""
    if cell is other or not is_there(cell, "miou"):
        return MISSING
    text = f"{100 * (cell['miou'] - other['miou']):+.2f}"
    counts = [(weight, run.counts_of(one)) for weight, one in ((1.0, cell), (-1.0, other))]
    kept = [(weight, of_cell) for weight, of_cell in counts if of_cell is not None]
    interval = contrast(kept, "miou") if len(kept) == len(counts) else None
    if interval is not None:
        text += f" [{100 * interval.low:.2f}, {100 * interval.high:.2f}]"
    return Entry(text)


def _table_3a(run: StudyRun) -> Sheet:
    """MIoU of each way to propagate, a row for each backbone."""
    methods = [name for base in PROPAGATION for name in run.methods(base)]
    rows, used = [], []
    for backbone in run.backbones:
        cells = [run.cell(backbone, method, INTERVAL) for method in methods]
        if any(cell is not None and is_there(cell, "miou") and cell["interval"] > 1 for cell in cells):
            used += [cell for cell in cells if cell is not None]
            competing = [i for i, method in enumerate(methods) if method not in REFERENCES]
            entries = marked([accuracy(cell, "miou") for cell in cells], higher=True, only=competing)
            rows.append((Entry(backbone), *entries))
    return Sheet(
        name=f"{run.name}-table-3a",
        title=f"Small-scale Table 3a: mIoU (%) of ways to propagate, {run.name}, interval {INTERVAL}",
        headers=(Header("Backbone", number=False), *map(Header, methods)),
        rows=tuple(rows),
        notes=tuple(_notes(run, used)),
    )


def _table_3b(run: StudyRun) -> Sheet:
    """MIoU and parameters of each flow design."""
    rows, used = [], []
    for method in [name for base in FLOW_DESIGNS for name in run.methods(base)]:
        cells = [run.cell(backbone, method, INTERVAL) for backbone in run.backbones]
        if any(cell is not None and is_there(cell, "miou") for cell in cells):
            used += [cell for cell in cells if cell is not None]
            rows.append([Entry(method), _flow_parameters(run, method), *(accuracy(cell, "miou") for cell in cells)])
    higher = {1: False, **dict.fromkeys(range(2, 2 + len(run.backbones)), True)}
    return Sheet(
        name=f"{run.name}-table-3b",
        title=f"Small-scale Table 3b: mIoU (%) of flow designs, {run.name}, interval {INTERVAL}",
        headers=(Header("Flow design", number=False), Header("Params (M)"), *map(Header, run.backbones)),
        rows=tuple(map(tuple, mark_columns(rows, higher) if rows else rows)),
        notes=(*_notes(run, used), "Parameters are those of the flow alone: what a method has over per-frame."),
    )


def _flow_parameters(run: StudyRun, method: str) -> Entry:
    """What the method has over per-frame, in millions; several values where backbones differ."""
    pairs = [(run.cell(b, method, INTERVAL), run.cell(b, "per-frame", 1)) for b in run.backbones]
    values = {
        round((cell["parameters"] - alone["parameters"]) * METRICS["params_M"].factor, 3)
        for cell, alone in pairs
        if cell and alone and is_there(cell, "parameters") and is_there(alone, "parameters")
    }
    if len(values) == 1:
        return number(values.pop(), 3)
    return Entry(" / ".join(f"{value:.3f}" for value in sorted(values)) or "-")


def _value(cell: Row, name: str, metric: Metric) -> Entry:
    if name in ACCURACIES:
        return accuracy(cell, metric.field)
    digits = 2 if name == "FPS" else 3
    return number(metric.factor * float(cell[metric.field]), digits) if is_there(cell, metric.field) else MISSING


def _times(run: StudyRun, shown: Mapping[str, Metric]) -> list[str]:
    """What FPS are, and whose; or why there are none."""
    what = ["FPS run from the frame on the device to its label map."] if "FPS" in shown else []
    return [*what, *filter(None, [run.times_note])]


def _notes(run: StudyRun, cells: Sequence[Row]) -> list[str]:
    notes = [f"Data: {run.about.configuration.data}."]
    if any(is_there(cell, "miou_low") for cell in cells):
        notes.append(INTERVAL_NOTE)
    if run.clips_note:
        notes.append(run.clips_note)
    if any(map(is_untrained, cells)):
        notes.append("Weights are untrained: the accuracies say nothing about the methods.")
    return notes
