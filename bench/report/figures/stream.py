"""Streaming accuracy against the rate of the camera, as a figure."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.methods.names import PER_FRAME, method_of
from bench.plotting import LEGEND_WIDTH, PANEL_HEIGHT, PANEL_WIDTH, add_legend, series_styles
from bench.runs.records.stream import StreamCell

ROW_TITLES = {
    ("drop", "sync"): "drop frames",
    ("drop", "background"): "drop frames, key frames in the background",
    ("queue", "sync"): "queue",
    ("queue", "background"): "queue, key frames in the background",
}


def accuracy_against_rate(cells: Sequence[StreamCell]) -> Figure | None:
    """MIoU over the rate, a column for each interval and a row for each way to wait and backbone.

    Per-frame, which has no interval, is in every panel. None where there is one rate alone.
    """
    if len({cell.rate for cell in cells}) < 2:
        return None
    methods = list(dict.fromkeys(cell.method for cell in cells))
    styles = series_styles(methods)
    intervals = sorted({cell.interval for cell in cells if not _is_per_frame(cell)}) or [1]
    rows = [
        (backbone, way)
        for backbone in dict.fromkeys(cell.backbone for cell in cells)
        for way in ROW_TITLES
        if any((cell.backbone, cell.waiting, cell.keys) == (backbone, *way) for cell in cells)
    ]
    size = (0.8 * PANEL_WIDTH * len(intervals) + LEGEND_WIDTH, 0.9 * PANEL_HEIGHT * len(rows))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(rows), len(intervals), squeeze=False, sharex=True, sharey=True)
    for places, (backbone, way) in zip(axes, rows, strict=True):
        for place, interval in zip(places, intervals, strict=True):
            for method in methods:
                line = [cell for cell in cells if _belongs(cell, backbone, way, interval, method)]
                _draw(place, line, method, styles[method])
            place.set_title(f"interval {interval}" + ("" if interval != intervals[0] else f": {ROW_TITLES[way]}"))
        places[0].set_ylabel(f"mIoU on show (%), {backbone}")
    for place in axes[-1]:
        place.set_xlabel("Rate of the camera (Hz)")
    add_legend(figure, list(axes.flat), methods, size[0])
    return figure


def _belongs(cell: StreamCell, backbone: str, way: tuple[str, str], interval: int, method: str) -> bool:
    if (cell.backbone, cell.method, cell.waiting) != (backbone, method, way[0]):
        return False
    return _is_per_frame(cell) or (cell.keys, cell.interval) == (way[1], interval)


def _is_per_frame(cell: StreamCell) -> bool:
    return method_of(cell.method) == PER_FRAME


def _draw(place: Axes, line: Sequence[StreamCell], method: str, style: dict) -> None:
    points = sorted((cell.rate, 100 * cell.accuracy.miou) for cell in line if cell.accuracy.miou is not None)
    if points:
        place.plot(*zip(*points, strict=True), label=method, **style)
