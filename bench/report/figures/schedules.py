"""Accuracy of key-frame schedules against their mean cost, as a figure."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from bench.plotting import LEGEND_WIDTH, PANEL_HEIGHT, PANEL_WIDTH, add_legend, series_styles
from bench.report.against_fixed import fixed_curve
from bench.report.tables.schedules import in_order
from bench.runs.records.schedules import FIXED, ScheduleCell


def accuracy_against_mean_cost(cells: Sequence[ScheduleCell]) -> Figure | None:
    """MIoU over GMACs a frame, a panel for each method and backbone; the fixed interval is the black line."""
    if not cells:
        return None
    cells = in_order(cells)
    panels = list(dict.fromkeys((cell.method, cell.backbone) for cell in cells))
    names = [name for name in dict.fromkeys(cell.schedule for cell in cells) if name != FIXED]
    styles = series_styles(names)
    size = (1.5 * PANEL_WIDTH * len(panels) + LEGEND_WIDTH, 1.5 * PANEL_HEIGHT)
    figure = Figure(figsize=size, layout="constrained")
    axes = list(figure.subplots(1, len(panels), squeeze=False).flat)
    for place, panel in zip(axes, panels, strict=True):
        own = [cell for cell in cells if (cell.method, cell.backbone) == panel]
        x, y = _points(fixed_curve(own))
        place.plot(x, y, color="black", lw=2, label=FIXED, zorder=1)
        for name in names:
            x, y = _points(sorted((c for c in own if c.schedule == name), key=lambda cell: cell.mean_macs))
            place.plot(x, y, label=name, **{**styles[name], "lw": 0.9})
        place.set(title=", ".join(panel), xlabel="Mean of a frame (GMACs), with what the schedule computes")
        place.set_ylabel("mIoU (%)")
    add_legend(figure, axes, [FIXED, *names], size[0])
    return figure


def _points(cells: Sequence[ScheduleCell]) -> tuple[list[float], list[float]]:
    there = [cell for cell in cells if cell.accuracy.miou is not None]
    return [1e-9 * cell.mean_macs for cell in there], [100 * (cell.accuracy.miou or 0.0) for cell in there]
