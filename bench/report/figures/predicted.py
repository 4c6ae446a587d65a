"""Predicted figures beside published or measured ones: hollow and hatched against filled."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from bench.plotting import COLOURS, log_axis
from bench.report.study import Study

ROW_HEIGHT, WIDTH = 0.27, 6.6
"""Inches."""
KNOWN = {"marker": "o", "s": 30, "color": COLOURS[0], "zorder": 3}
PREDICTED = {
    "marker": "D",
    "s": 42,
    "facecolor": "white",
    "edgecolor": COLOURS[3],
    "hatch": "//////",
    "linewidth": 1.2,
    "zorder": 2,
}
"""How a predicted figure looks, and no other."""
Pair = tuple[str, float, float]
"""What it is of, the known value, and the predicted one."""


def predicted_speeds(study: Study) -> Figure | None:
    """The paper's FPS on a V100, and the predicted ones."""
    pairs = [
        (f"Table {speed.table}, {speed.method} {speed.backbone}", speed.published_fps, speed.predicted_fps)
        for record in study.costs
        for speed in record.speeds or ()
    ]
    return _draw(pairs, "published", "Frames a second on an NVIDIA V100")


def predicted_times(study: Study) -> Figure | None:
    """CPU times of frames of networks that were not fitted, and the predicted ones."""
    pairs = [
        (
            f"{time.method}, {time.backbone}, {time.height}x{time.width}, {time.frame}",
            1000 * time.measured_s,
            1000 * time.predicted_s,
        )
        for record in study.predictions
        for time in record.frames
        if time.role != "fitted"
    ]
    return _draw(pairs, "measured", "CPU time of a frame on one thread (ms)")


def _draw(pairs: Sequence[Pair], known: str, label: str) -> Figure | None:
    if not pairs:
        return None
    figure = Figure(figsize=(WIDTH, 1.1 + ROW_HEIGHT * len(pairs)), layout="constrained")
    axes = figure.subplots()
    names, values, predictions = zip(*pairs, strict=True)
    places = range(len(names))
    axes.scatter(predictions, places, label="~ predicted", **PREDICTED)
    axes.scatter(values, places, label=known, **KNOWN)
    axes.set_yticks(places, names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel(label)
    log_axis(axes)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return figure
