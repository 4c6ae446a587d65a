"""Plots over the cells of runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.style import LEGEND_WIDTH, PANEL_HEIGHT, PANEL_WIDTH, save, series_styles, styled
from bench.report.tables import Cell, is_there

COLUMNS = 3
"""Panels beside each other."""
UNTRAINED = "untrained"


def plot_accuracy_against_interval(cells: Sequence[Cell], stem: Path) -> list[Path]:
    """Plot mIoU over the key-frame interval, a panel for each run and backbone, a line for each method.

    A method that was measured at interval 1 alone, beside others that were not, is drawn as a level: every
    frame is a key frame to it.

    Returns:
        The files written; none where no cell has an accuracy.
    """
    measured = [cell for cell in cells if is_there(cell, "miou")]
    if not measured:
        return []
    styles = series_styles(list(dict.fromkeys(cell["method"] for cell in cells)))
    intervals = sorted({cell["interval"] for cell in measured})
    several_runs = len({cell["run"] for cell in measured}) > 1
    panels = [
        (f"{backbone} ({run})" if several_runs else backbone, list(group))
        for (run, backbone), group in groupby(measured, key=lambda cell: (cell["run"], cell["backbone"]))
    ]
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    with styled():
        size = (PANEL_WIDTH * columns + LEGEND_WIDTH, PANEL_HEIGHT * rows)
        figure = Figure(figsize=size, layout="constrained")
        axes = list(figure.subplots(rows, columns, squeeze=False, sharex=True).flat)
        for place, (title, group) in zip(axes, panels, strict=False):
            _panel(place, group, intervals, styles, title + _training(group))
        for place in axes[len(panels) :]:
            place.set_axis_off()
        lines = {str(line.get_label()): line for place in axes for line in place.get_lines()}
        names = [name for name in styles if name in lines]
        figure.legend(
            [lines[name] for name in names], names, loc="outside right upper", handlelength=3.5, title="Method"
        )
        return save(figure, stem)


def _panel(
    axes: Axes, cells: Sequence[Cell], intervals: Sequence[int], styles: dict[str, dict[str, Any]], title: str
) -> None:
    for method, style in styles.items():
        points = sorted((cell["interval"], 100 * cell["miou"]) for cell in cells if cell["method"] == method)
        if len(points) == 1 and points[0][0] == 1 < intervals[-1]:
            points.append((intervals[-1], points[0][1]))
        if points:
            axes.plot([x for x, _ in points], [y for _, y in points], label=method, **style)
    axes.set_title(title)
    axes.set_xlabel("Key-frame interval (frames)")
    axes.set_ylabel("mIoU (%)")
    axes.set_xticks(intervals)


def _training(cells: Sequence[Cell]) -> str:
    untrained = {cell["weights"] == UNTRAINED for cell in cells}
    if untrained == {True}:
        return ", untrained weights"
    return ", some weights untrained" if True in untrained else ""
