"""Panels beside each other: lines over the key-frame interval, or a row for each method where there is one interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.plotting import COLUMN_HEIGHT, COLUMN_WIDTH, add_legend, band, legend_height, series_styles

INTERVAL_LABEL = "Key-frame interval (frames)"
ROW_HEIGHT = 0.27
"""Inches."""
WIDE_HEIGHT = 1.2
"""How much higher a panel as wide as two columns is."""
DODGE = 0.32
"""How far from its interval the first and the last of several lines stand, so that their error bars do not overlap."""
ZERO = {"color": "0.3", "lw": 0.9, "zorder": 1}
Line = tuple[list[float], list[float], list[float], list[float]]
"""x, y, and the bounds of y."""


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes:
        title: above it.
        label: of the values.
        lines: of each name.
        bounds: how the bounds of values are drawn. Those of several lines overlap, so a band is drawn
            of one line alone.
        zero: whether 0 is drawn as a line.
        other_unit: label and factor of a second axis of values, to the right.

    """

    title: str
    label: str
    lines: Mapping[str, Line]
    bounds: Literal["band", "bars"] = "band"
    zero: bool = False
    other_unit: tuple[str, float] | None = None


def draw_panels(panels: Sequence[Panel], order: Sequence[str] = (), *, wide: bool = False) -> Figure | None:
    """The panels, two beside each other, or one below the other where they are `wide`.

    `order` are the names whose styles the figures of a run share.
    """
    panels = [panel for panel in panels if panel.lines]
    if not panels:
        return None
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    styles = series_styles(order or names)
    if all(len(line[0]) == 1 for panel in panels for line in panel.lines.values()):
        return _draw_rows(panels, styles)
    columns = 1 if wide else min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    width = COLUMN_WIDTH * (2 if wide else columns)
    height = COLUMN_HEIGHT * (WIDE_HEIGHT if wide else 1) * rows + legend_height(names, width)
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False, sharex=True).flat)
    intervals = sorted({x for panel in panels for line in panel.lines.values() for x in line[0]})
    for place, panel in zip(axes, panels, strict=False):
        for index, (name, line) in enumerate(panel.lines.items()):
            at = _dodged(line, index, len(panel.lines)) if panel.bounds == "bars" else line
            _plot(place, at, intervals[-1], name, styles[name], panel)
        if panel.zero:
            place.axhline(0, **ZERO)
        place.set(title=panel.title, xlabel=INTERVAL_LABEL, ylabel=panel.label, xticks=intervals)
        place.xaxis.set_major_formatter("{x:g}")
        if panel.other_unit:
            label, factor = panel.other_unit
            scale = (lambda y, factor=factor: y * factor, lambda y, factor=factor: y / factor)
            place.secondary_yaxis("right", functions=scale).set_ylabel(label)
    for place in axes[len(panels) :]:
        place.set_axis_off()
    add_legend(figure, axes, names, width)
    return figure


def _draw_rows(panels: Sequence[Panel], styles: Mapping[str, Mapping[str, Any]]) -> Figure:
    """A row for each name, sorted by value, with its interval: lines of one point each, which make no plot over x."""
    height = ROW_HEIGHT * max(len(panel.lines) for panel in panels) + 0.8
    columns = min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(2 * COLUMN_WIDTH, height * rows), layout="constrained")
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


def _dodged(line: Line, index: int, count: int) -> Line:
    """The line with its points a little to the left or to the right of their intervals."""
    shift = DODGE * (2 * index / (count - 1) - 1) if count > 1 else 0.0
    return ([x + shift for x in line[0]], *line[1:])


def _plot(axes: Axes, line: Line, last: float, name: str, style: Mapping[str, Any], panel: Panel) -> None:
    """A line with its bounds; a method that was measured at interval 1 alone is a level: to it every frame is a key."""
    x, y, low, high = line
    if x == [1] and last > 1:
        x, y, low, high = [1, last], 2 * y, 2 * low, 2 * high
    axes.plot(x, y, label=name, **style)
    if panel.bounds == "bars" and low != high:
        axes.vlines(x, low, high, color=style["color"], lw=0.9)
    elif panel.bounds == "band" and len(panel.lines) == 1:
        band(axes, x, low, high, style)
