"""The paper's Figures 3a, 3b and 3c over the cells of runs, and Figure 3b over counted costs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.measure.samples import Kind, amortise
from bench.report.published import PAPER_BACKBONES
from bench.report.study import StudyRun, is_untrained
from bench.report.style import LEGEND_WIDTH, PANEL_HEIGHT, PANEL_WIDTH, add_legend, band, series_styles
from bench.report.tables import Cell, is_there

INTERVAL_LABEL = "Key-frame interval (frames)"
MACS_LABEL = "Mean of a frame (GMACs)"
COUNTED_INTERVALS = tuple(range(1, 11))
Line = tuple[list[float], list[float], list[float], list[float]]
"""x, y, and the bounds of y."""


@dataclass(frozen=True)
class Panel:
    """One pair of axes: title, label of the vertical one, and a line for each name."""

    title: str
    label: str
    lines: Mapping[str, Line]


def accuracy_against_interval(run: StudyRun) -> Figure | None:
    """Figure 3a: mIoU of MPVSS over the interval, a line for each backbone."""
    untrained = ", untrained weights" if any(map(is_untrained, _of_mpvss(run))) else ""
    return _draw([Panel(f"MPVSS{untrained}", "mIoU (%)", _by_backbone(run, "miou"))], "Backbone")


def macs_against_interval(run: StudyRun) -> Figure | None:
    """Figure 3b: GMACs of MPVSS over the interval, a line for each backbone."""
    return _draw([Panel("MPVSS", MACS_LABEL, _by_backbone(run, "mean_macs", 1e-9))], "Backbone")


def counted_macs_against_interval(costs: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Figure 3b with the paper's backbones and frame size: the mean over 15 frames of the published graph."""
    lines: dict[str, Line] = {}
    for row in costs:
        if row["method"] == "mpvss" and row["backbone"] in PAPER_BACKBONES and row["height"] == 480:
            macs: dict[Kind, float] = {"key": 1e-9 * row["paper_key_macs"], "other": 1e-9 * row["paper_other_macs"]}
            means = [amortise(macs, interval) or 0.0 for interval in COUNTED_INTERVALS]
            lines[row["backbone"]] = (list(COUNTED_INTERVALS), means, means, means)
    return _draw([Panel("MPVSS, 480x853", MACS_LABEL, lines)], "Backbone")


def warping_strategies(run: StudyRun) -> Figure | None:
    """Figure 3c: mIoU and WIoU over the interval, a line for each method, a row of panels for each backbone."""
    panels = []
    for backbone, group in groupby(run.cells, key=lambda cell: cell["backbone"]):
        cells = list(group)
        untrained = ", untrained weights" if any(map(is_untrained, cells)) else ""
        for field, name in (("miou", "mIoU (%)"), ("wiou", "WIoU (%)")):
            methods = dict.fromkeys(cell["method"] for cell in cells)
            lines = {method: _line(cells, backbone, method, field) for method in methods}
            panels.append(Panel(f"{backbone}{untrained}", name, {m: line for m, line in lines.items() if line[0]}))
    return _draw(panels, "Method", columns=2)


def _draw(panels: Sequence[Panel], legend: str, columns: int = 3) -> Figure | None:
    panels = [panel for panel in panels if panel.lines]
    if not panels:
        return None
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    styles = series_styles(names)
    columns = min(columns, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(PANEL_WIDTH * columns + LEGEND_WIDTH, PANEL_HEIGHT * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False, sharex=True).flat)
    intervals = sorted({x for panel in panels for line in panel.lines.values() for x in line[0]})
    for place, panel in zip(axes, panels, strict=False):
        for name, line in panel.lines.items():
            _plot(place, line, intervals[-1], name, styles[name])
        place.set(title=panel.title, xlabel=INTERVAL_LABEL, ylabel=panel.label, xticks=intervals)
    for place in axes[len(panels) :]:
        place.set_axis_off()
    add_legend(figure, axes, names, legend)
    return figure


def _plot(axes: Axes, line: Line, last: float, name: str, style: Mapping[str, Any]) -> None:
    """A line with its band; a method that was measured at interval 1 alone is a level: to it every frame is a key."""
    x, *ys = line
    if x == [1] and last > 1:
        x, ys = [1, last], [2 * y for y in ys]
    axes.plot(x, ys[0], label=name, **style)
    band(axes, x, ys[1], ys[2], style)


def _line(cells: Iterable[Cell], backbone: str, method: str, field: str, factor: float = 100) -> Line:
    points = sorted(
        (
            cell["interval"],
            factor * cell[field],
            factor * (cell[f"{field}_low"] if is_there(cell, f"{field}_low") else cell[field]),
            factor * (cell[f"{field}_high"] if is_there(cell, f"{field}_high") else cell[field]),
        )
        for cell in cells
        if (cell["backbone"], cell["method"]) == (backbone, method) and is_there(cell, field)
    )
    x, y, low, high = ([float(p[i]) for p in points] for i in range(4))
    return x, y, low, high


def _by_backbone(run: StudyRun, field: str, factor: float = 100) -> dict[str, Line]:
    """The lines of MPVSS that have more than one point."""
    lines = {backbone: _line(run.cells, backbone, "mpvss", field, factor) for backbone in run.backbones}
    return {backbone: line for backbone, line in lines.items() if len(line[0]) > 1}


def _of_mpvss(run: StudyRun) -> list[Cell]:
    return [cell for cell in run.cells if cell["method"] == "mpvss"]
