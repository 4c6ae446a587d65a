"""Accuracy against cost with the Pareto front, and times by kind of frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from bench.measure.time.samples import KIND_FIELDS, KINDS, Kind, amortise
from bench.plotting import COLUMN_HEIGHT, COLUMN_WIDTH, add_legend, legend_height, log_axis, series_styles
from bench.report.rows import Row, is_there, is_untrained
from bench.report.run import StudyRun

TIMED_SCOPES = ("labels", "model", "video")
"""The first of these that was timed is drawn."""
LEAST_DISTANCE = 0.04
"""Between two points with numbers, as a share of an axis."""
FRONT = "Pareto front"
MEASURED_COSTS = ("ms a frame", "J a frame")
BOX_COLOURS = {"key": "#56B4E9", "non-key": "#F0C987"}


def costs_of(cell: Row) -> dict[str, float]:
    """What a frame costs on average at the cell's interval, by the cost's name; those that were measured."""
    costs: dict[str, float] = {}
    if is_there(cell, "mean_macs"):
        costs["GMACs a frame"] = 1e-9 * float(cell["mean_macs"])
    if is_there(cell, "fps_labels"):
        costs["ms a frame"] = 1000 / float(cell["fps_labels"])
    energy: dict[Kind, float] = {
        kind: float(cell[f"energy_{name}_j"])
        for kind, name in KIND_FIELDS.items()
        if is_there(cell, f"energy_{name}_j")
    }
    mean = amortise(energy, int(cell["interval"]))
    if mean is not None:
        costs["J a frame"] = mean
    return costs


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the (cost, accuracy) points that no other beats in one and equals in the other, by rising cost."""
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1]))
    front: list[int] = []
    for i in order:
        if not front or points[i][1] > points[front[-1]][1]:
            front.append(i)
    return front


def accuracy_against_cost(run: StudyRun) -> Figure | None:
    """MIoU over each cost that was measured: a point for each cell, a thin line along the intervals of a method.

    The front is a line of steps, and its points say their interval; marks of later backbones are larger.
    """
    cells = [cell for cell in run.cells if is_there(cell, "miou") and costs_of(cell)]
    names = list(dict.fromkeys(name for cell in cells for name in costs_of(cell)))
    if not names:
        return None
    styles = series_styles(run.series)
    size = {backbone: 5 + 2.5 * i for i, backbone in enumerate(run.backbones)}
    shown = [*run.rows, FRONT]
    width = COLUMN_WIDTH * max(2, len(names))
    height = 1.3 * COLUMN_HEIGHT + legend_height(shown, width)
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = list(figure.subplots(1, len(names), squeeze=False, sharey=True).flat)
    for place, name in zip(axes, names, strict=True):
        there = [cell for cell in cells if name in costs_of(cell)]
        points = [(costs_of(cell)[name], 100 * float(cell["miou"])) for cell in there]
        front = pareto_front(points)
        x, y = zip(*(points[i] for i in front), strict=True)
        place.step(x, y, where="post", color="0.45", lw=1.4, zorder=1, label=FRONT)
        for series in dict.fromkeys((cell["method"], cell["backbone"]) for cell in there):
            own = [point for cell, point in zip(there, points, strict=True) if _series(cell) == series]
            style = {**styles[series[0]], "markersize": size[series[1]], "lw": 0.6, "linestyle": "-"}
            place.plot(*zip(*own, strict=True), label=series[0], **style)
        for i in apart(front, points):
            text = str(there[i]["interval"])
            place.annotate(text, points[i], (-4, 4), textcoords="offset points", fontsize=7, ha="right")
        log_axis(place)
        place.set_xlabel(f"{name}{_machine(there) if name in MEASURED_COSTS else ''}, log scale")
    axes[0].set_ylabel("mIoU (%)" + (", untrained weights" if any(map(is_untrained, cells)) else ""))
    add_legend(figure, axes, shown, width)
    return figure


def _machine(cells: Sequence[Row]) -> str:
    """What the times are of, where they are of one machine."""
    machines = {cell["timed_on"] for cell in cells if is_there(cell, "timed_on")}
    return f", {machines.pop()}" if len(machines) == 1 else ""


def times_by_kind(run: StudyRun) -> Figure | None:
    """The timed frames by their quantiles: boxes of a half, a quarter, an eighth and so on, a row for each backbone."""
    import seaborn as sns

    if run.samples.empty:
        return None
    timed = run.samples[~run.samples["warmup"]]
    scope = next((scope for scope in TIMED_SCOPES if (timed["scope"] == scope).any()), None)
    if scope is None:
        return None
    timed = timed[timed["scope"] == scope].assign(ms=lambda table: 1000 * table["seconds"])
    methods = [row for row in run.rows if (timed["method"] == row).any()]
    backbones = [backbone for backbone in run.backbones if (timed["backbone"] == backbone).any()]
    size = (2 * COLUMN_WIDTH, (0.27 * len(methods) + 0.9) * len(backbones))
    figure = Figure(figsize=size, layout="constrained")
    rows = figure.subplots(len(backbones), 2, squeeze=False, sharey=True)
    for places, backbone in zip(rows, backbones, strict=True):
        for place, kind in zip(places, KINDS, strict=True):
            own = timed[(timed["backbone"] == backbone) & (timed["kind"] == kind)]
            sns.boxenplot(
                own, x="ms", y="method", order=methods, orient="h", ax=place, color=BOX_COLOURS[kind],
                width=0.65, linewidth=0.6, linecolor="0.1", flier_kws={"marker": ".", "s": 8},
            )  # fmt: skip
            place.set(title=f"{backbone}, {kind} frames", xlabel=f"ms a frame, scope {scope}", ylabel="")
            place.set_xlim(left=0)
    return figure


def apart(chosen: Sequence[int], points: Sequence[tuple[float, float]]) -> list[int]:
    """The chosen points that are far enough from the one before for a number beside each."""
    logs, accuracies = [math.log(cost) for cost, _ in points], [accuracy for _, accuracy in points]
    kept: list[int] = []
    for i in chosen:
        if not kept or any(
            abs(axis[i] - axis[kept[-1]]) > LEAST_DISTANCE * (max(axis) - min(axis)) for axis in (logs, accuracies)
        ):
            kept.append(i)
    return kept


def _series(cell: Row) -> tuple[str, str]:
    return cell["method"], cell["backbone"]
