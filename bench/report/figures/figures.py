"""The paper's Figures 3a, 3b and 3c over the cells of runs, and Figure 3b over counted costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.figure import Figure

from bench.measure.time.samples import CLIP_LENGTH, Kind, amortise
from bench.methods.names import PER_FRAME, method_of
from bench.report.figures.panels import Line, Panel, draw_panels
from bench.report.published import PAPER_BACKBONES
from bench.report.rows import Row, is_there, is_untrained
from bench.report.run import Bounded, StudyRun
from bench.runs.records.cost import CostRecord

PER_FRAME_LABEL = "GMACs a frame"
TERA, GIGA = 1e-12, 1e-9
COUNTED_INTERVALS = tuple(range(1, 11))
NOT_IN_3C = ("mpvss-query-random", "mpvss-query-learned", "mpvss-query-for-pf", "dff", "accel")
"""Methods that the paper's Figure 3c leaves out; the figure of differences has them."""
LESS_PER_FRAME = "mIoU less per-frame's (points)"


def accuracy_against_interval(run: StudyRun) -> Figure | None:
    """Figure 3a: mIoU of MPVSS over the interval, a line for each backbone."""
    return draw_panels([Panel(f"MPVSS{_untrained(run, 'mpvss')}", "mIoU (%)", _by_backbone(run, _accuracy("miou")))])


def macs_against_interval(run: StudyRun) -> Figure | None:
    """Figure 3b: MACs of MPVSS over the interval, a line for each backbone; of 15 frames, and of a frame."""

    def of_clip(cell: Row) -> Bounded | None:
        if not (is_there(cell, "key_macs") and is_there(cell, "non_key_macs")):
            return None
        of_kind: dict[Kind, float] = {"key": cell["key_macs"], "non-key": cell["non_key_macs"]}
        macs = GIGA * CLIP_LENGTH * (amortise(of_kind, int(cell["interval"])) or 0.0)
        return macs, macs, macs

    other = (PER_FRAME_LABEL, 1 / CLIP_LENGTH)
    return draw_panels([Panel("", f"GMACs of {CLIP_LENGTH} frames", _by_backbone(run, of_clip), other_unit=other)])


def counted_macs_against_interval(costs: Sequence[CostRecord]) -> Figure | None:
    """Figure 3b with the paper's backbones, frame size and unit: T of 15 frames of the published graph."""
    lines: dict[str, Line] = {}
    for row in (row for record in costs if record.height == 480 for row in record.rows or ()):
        if row.method == "mpvss" and row.backbone in PAPER_BACKBONES:
            of_kind: dict[Kind, float] = {"key": row.paper_key_macs, "non-key": row.paper_non_key_macs}
            sums = [TERA * CLIP_LENGTH * (amortise(of_kind, interval) or 0.0) for interval in COUNTED_INTERVALS]
            lines[row.backbone] = (list(COUNTED_INTERVALS), sums, sums, sums)
    title = "MPVSS, 480x853; the paper's TFLOPs are TMACs"
    other = (PER_FRAME_LABEL, GIGA / TERA / CLIP_LENGTH)
    return draw_panels([Panel(title, f"TMACs of {CLIP_LENGTH} frames", lines, other_unit=other)], wide=True)


def warping_strategies(run: StudyRun) -> Figure | None:
    """Figure 3c: mIoU and WIoU of the ways to propagate over the interval, a row of panels for each backbone.

    With one interval alone a row for each method, the best at the top; `differences` too.
    """
    shown = [row for row in run.rows if method_of(row) not in NOT_IN_3C]
    panels = [
        Panel(f"{backbone}{_untrained(run)}", label, _lines(run, backbone, shown, _accuracy(field)))
        for backbone in run.backbones
        for field, label in (("miou", "mIoU (%)"), ("wiou", "WIoU (%)"))
    ]
    return draw_panels(panels, run.series)


def differences(run: StudyRun) -> Figure | None:
    """MIoU less that of per-frame over the interval; its bars are of the difference, bootstrapped over shared clips."""
    rows = [row for row in run.rows if row != PER_FRAME]
    less = run.less_per_frame
    panels = [
        Panel(
            f"{backbone}{_untrained(run)}",
            LESS_PER_FRAME,
            _lines(run, backbone, rows, lambda cell: less.get(run.key(cell))),
            bounds="bars",
            zero=True,
        )
        for backbone in run.backbones
    ]
    return draw_panels(panels, run.series, wide=True)


def _accuracy(field: str) -> Callable[[Row], Bounded | None]:
    """A fraction of a cell in %, with its bounds where it has them."""

    def value(cell: Row) -> Bounded | None:
        if not is_there(cell, field):
            return None
        names = (field, f"{field}_low", f"{field}_high") if is_there(cell, f"{field}_low") else (field,) * 3
        y, low, high = (100 * float(cell[name]) for name in names)
        return y, low, high

    return value


def _lines(
    run: StudyRun, backbone: str, rows: Sequence[str], value: Callable[[Row], Bounded | None]
) -> dict[str, Line]:
    """A line over the interval for each row that has a value."""
    lines: dict[str, Line] = {}
    for row in rows:
        cells = [cell for cell in run.cells if (cell["backbone"], cell["method"]) == (backbone, row)]
        points = sorted((float(cell["interval"]), *found) for cell in cells if (found := value(cell)))
        if points:
            x, y, low, high = map(list, zip(*points, strict=True))
            lines[row] = (x, y, low, high)
    return lines


def _by_backbone(run: StudyRun, value: Callable[[Row], Bounded | None]) -> dict[str, Line]:
    """The lines of MPVSS that have more than one point."""
    lines = {b: line for b in run.backbones for line in _lines(run, b, ["mpvss"], value).values()}
    return {backbone: line for backbone, line in lines.items() if len(line[0]) > 1}


def _untrained(run: StudyRun, *rows: str) -> str:
    cells = [cell for cell in run.cells if not rows or cell["method"] in rows]
    return ", untrained weights" if any(map(is_untrained, cells)) else ""
