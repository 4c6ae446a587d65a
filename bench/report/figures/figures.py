"""The paper's Figures 3a, 3b and 3c over the cells of runs, and Figure 3b over counted costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.measure.time.samples import Kind, amortise
from bench.methods.names import method_of
from bench.plotting import LEGEND_WIDTH, PANEL_HEIGHT, PANEL_WIDTH, add_legend, band, series_styles
from bench.report.published import PAPER_BACKBONES
from bench.report.rows import Row, is_there, is_untrained
from bench.report.study import StudyRun
from bench.runs.clip_counts import contrast
from bench.runs.records.cost import CostRecord

INTERVAL_LABEL = "Key-frame interval (frames)"
MACS_LABEL = "Mean of a frame (GMACs)"
COUNTED_INTERVALS = tuple(range(1, 11))
NOT_IN_3C = ("mpvss-query-random", "mpvss-query-learned", "mpvss-query-for-pf", "dff", "accel")
"""Methods that the paper's Figure 3c leaves out; the figure of differences has them."""
ROW_HEIGHT, LABEL_WIDTH = 0.27, 1.5
"""Inches of a row, and of the names to its left."""
ZERO = {"color": "0.3", "lw": 0.9, "zorder": 1}
Line = tuple[list[float], list[float], list[float], list[float]]
"""x, y, and the bounds of y."""
Bounded = tuple[float, float, float]
"""A value and its bounds."""


@dataclass(frozen=True)
class Panel:
    """One pair of axes: title, label of the values, a line for each name, and whether 0 is drawn as a line."""

    title: str
    label: str
    lines: Mapping[str, Line]
    zero: bool = False


def accuracy_against_interval(run: StudyRun) -> Figure | None:
    """Figure 3a: mIoU of MPVSS over the interval, a line for each backbone."""
    return _draw([Panel(f"MPVSS{_untrained(run, 'mpvss')}", "mIoU (%)", _by_backbone(run, _accuracy("miou")))])


def macs_against_interval(run: StudyRun) -> Figure | None:
    """Figure 3b: GMACs of MPVSS over the interval, a line for each backbone."""

    def macs(cell: Row) -> Bounded | None:
        return (1e-9 * cell["mean_macs"],) * 3 if is_there(cell, "mean_macs") else None

    return _draw([Panel("MPVSS", MACS_LABEL, _by_backbone(run, macs))])


def counted_macs_against_interval(costs: Sequence[CostRecord]) -> Figure | None:
    """Figure 3b with the paper's backbones and frame size: the mean over 15 frames of the published graph."""
    lines: dict[str, Line] = {}
    for row in (row for record in costs if record.height == 480 for row in record.rows or ()):
        if row.method == "mpvss" and row.backbone in PAPER_BACKBONES:
            macs: dict[Kind, float] = {"key": 1e-9 * row.paper_key_macs, "non-key": 1e-9 * row.paper_non_key_macs}
            means = [amortise(macs, interval) or 0.0 for interval in COUNTED_INTERVALS]
            lines[row.backbone] = (list(COUNTED_INTERVALS), means, means, means)
    return _draw([Panel("MPVSS, 480x853", MACS_LABEL, lines)])


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
    return _draw(panels, run.series)


def differences(run: StudyRun) -> Figure | None:
    """MIoU less that of per-frame over the interval; its band is of the difference, bootstrapped over shared clips."""
    panels = []
    for backbone in run.backbones:
        base = run.cell(backbone, "per-frame", 1)
        if base is None or not is_there(base, "miou"):
            continue

        def less(cell: Row, base: Row = base) -> Bounded | None:
            if not is_there(cell, "miou"):
                return None
            difference = 100 * (cell["miou"] - base["miou"])
            counts = [run.counts_of(one) for one in (cell, base)]
            if counts[0] is None or counts[1] is None:
                return (difference,) * 3
            interval = contrast([(1.0, counts[0]), (-1.0, counts[1])], "miou")
            return (difference,) * 3 if interval is None else (difference, 100 * interval.low, 100 * interval.high)

        lines = _lines(run, backbone, [row for row in run.rows if row != "per-frame"], less)
        panels.append(Panel(f"{backbone}{_untrained(run)}", "mIoU less per-frame's (points)", lines, zero=True))
    return _draw(panels, run.series, width=1.6)


def _draw(panels: Sequence[Panel], order: Sequence[str] = (), width: float = 1.0) -> Figure | None:
    """The panels; `order` are the names whose styles the figures of a run share."""
    panels = [panel for panel in panels if panel.lines]
    if not panels:
        return None
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    styles = series_styles(order or names)
    if all(len(line[0]) == 1 for panel in panels for line in panel.lines.values()):
        return _draw_rows(panels, styles)
    columns = min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    size = (PANEL_WIDTH * width * columns + LEGEND_WIDTH, PANEL_HEIGHT * width**0.5 * rows)
    figure = Figure(figsize=size, layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False, sharex=True).flat)
    intervals = sorted({x for panel in panels for line in panel.lines.values() for x in line[0]})
    for place, panel in zip(axes, panels, strict=False):
        for name, line in panel.lines.items():
            _plot(place, line, intervals[-1], name, styles[name])
        if panel.zero:
            place.axhline(0, **ZERO)
        place.set(title=panel.title, xlabel=INTERVAL_LABEL, ylabel=panel.label, xticks=intervals)
        place.xaxis.set_major_formatter("{x:g}")
    for place in axes[len(panels) :]:
        place.set_axis_off()
    add_legend(figure, axes, names, "Method" if order else "Backbone")
    return figure


def _draw_rows(panels: Sequence[Panel], styles: Mapping[str, Mapping[str, Any]]) -> Figure:
    """A row for each name, sorted by value, with its interval: lines of one point each, which make no plot over x."""
    columns = min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    height = ROW_HEIGHT * max(len(panel.lines) for panel in panels) + 0.8
    figure = Figure(figsize=((PANEL_WIDTH + LABEL_WIDTH) * columns, height * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for place, panel in zip(axes, panels, strict=False):
        names = sorted(panel.lines, key=lambda name: panel.lines[name][1])
        for row, name in enumerate(names):
            _, (value,), (low,), (high,) = panel.lines[name]
            style = {**styles[name], "linestyle": "none"}
            place.errorbar(value, row, xerr=[[value - low], [high - value]] if high > low else None, capsize=3, **style)
        if panel.zero:
            place.axvline(0, **ZERO)
        interval = max(line[0][0] for line in panel.lines.values())
        place.set(title=f"{panel.title}, interval {interval:g}", xlabel=panel.label, yticks=range(len(names)))
        place.set_yticklabels(names)
    for place in axes[len(panels) :]:
        place.set_axis_off()
    return figure


def _plot(axes: Axes, line: Line, last: float, name: str, style: Mapping[str, Any]) -> None:
    """A line with its band; a method that was measured at interval 1 alone is a level: to it every frame is a key."""
    x, *ys = line
    if x == [1] and last > 1:
        x, ys = [1, last], [2 * y for y in ys]
    axes.plot(x, ys[0], label=name, **style)
    band(axes, x, ys[1], ys[2], style)


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
