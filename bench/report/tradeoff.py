"""Accuracy against cost with the Pareto front, and times by kind of frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bench.measure.samples import KINDS, amortise
from bench.report.study import StudyRun, is_untrained
from bench.report.style import LEGEND_WIDTH, PANEL_HEIGHT, PANEL_WIDTH, add_legend, log_axis, series_styles
from bench.report.tables import Cell, is_there

KIND_NAMES = {"key": "key frame", "other": "other frame"}


def costs_of(cell: Cell) -> dict[str, float]:
    """What a frame costs on average at the cell's interval, by the cost's name; those that were measured."""
    costs: dict[str, float | None] = {}
    if is_there(cell, "mean_macs"):
        costs["GMACs a frame"] = 1e-9 * cell["mean_macs"]
    if is_there(cell, "fps_labels"):
        costs["ms a frame"] = 1000 / cell["fps_labels"]
    if is_there(cell, "energy_key_j"):
        energy = {kind: float(cell[f"energy_{kind}_j"]) for kind in KINDS if is_there(cell, f"energy_{kind}_j")}
        costs["J a frame"] = amortise(energy, int(cell["interval"]))  # type: ignore[arg-type]
    return {name: float(cost) for name, cost in costs.items() if cost is not None}


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the (cost, accuracy) points that no other beats in one and equals in the other, by rising cost."""
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1]))
    front: list[int] = []
    for i in order:
        if not front or points[i][1] > points[front[-1]][1]:
            front.append(i)
    return front


def accuracy_against_cost(run: StudyRun) -> Figure | None:
    """MIoU over each cost that was measured, a point for each cell; the front is a line of steps.

    A point's number is its interval; backbones differ in size.
    """
    cells = [cell for cell in run.cells if is_there(cell, "miou") and costs_of(cell)]
    names = list(dict.fromkeys(name for cell in cells for name in costs_of(cell)))
    if not names:
        return None
    methods = list(dict.fromkeys(cell["method"] for cell in cells))
    styles = series_styles(methods)
    size = {backbone: 4 + 2.5 * i for i, backbone in enumerate(run.backbones)}
    figure = Figure(figsize=(PANEL_WIDTH * 1.25 * len(names) + LEGEND_WIDTH, PANEL_HEIGHT * 1.3), layout="constrained")
    axes = list(figure.subplots(1, len(names), squeeze=False, sharey=True).flat)
    for place, name in zip(axes, names, strict=True):
        there = [cell for cell in cells if name in costs_of(cell)]
        points = [(costs_of(cell)[name], 100 * float(cell["miou"])) for cell in there]
        front = [points[i] for i in pareto_front(points)]
        place.step([x for x, _ in front], [y for _, y in front], where="post", color="0.45", lw=1, label="Pareto front")
        for cell, (x, y) in zip(there, points, strict=True):
            style = {**styles[cell["method"]], "linestyle": "none", "markersize": size[cell["backbone"]]}
            place.plot([x], [y], label=cell["method"], **style)
            place.annotate(str(cell["interval"]), (x, y), (4, 3), textcoords="offset points", fontsize=6, color="0.3")
        log_axis(place)
        place.set_xlabel(f"{name}, log scale")
        place.set_ylabel("mIoU (%)" + (", untrained weights" if any(map(is_untrained, cells)) else ""))
    sizes = ", ".join(run.backbones)
    axes[0].set_title("Numbers: key-frame interval" + (f"; size: {sizes}" if len(size) > 1 else ""))
    add_legend(figure, axes, [*methods, "Pareto front"], "Method")
    return figure


def times_by_kind(run: StudyRun) -> Figure | None:
    """Every timed frame in scope `labels`: dots, a box between the quartiles, a line at the median."""
    if run.samples.empty:
        return None
    timed = run.samples[~run.samples["warmup"] & (run.samples["scope"] == "labels")]
    if timed.empty:
        return None
    methods = [m for m in dict.fromkeys(cell["method"] for cell in run.cells) if (timed["method"] == m).any()]
    backbones = [backbone for backbone in run.backbones if (timed["backbone"] == backbone).any()]
    figure = Figure(
        figsize=(PANEL_WIDTH * 1.2 * len(backbones) + 1.2, 0.5 + 0.42 * len(methods) + 0.7), layout="constrained"
    )
    axes = list(figure.subplots(1, len(backbones), squeeze=False, sharey=True).flat)
    styles = dict(
        zip(KIND_NAMES, ({"color": "#0173B2", "marker": "o"}, {"color": "#DE8F05", "marker": "^"}), strict=True)
    )
    rng = np.random.default_rng(0)  # of the dots' places across the row, which mean nothing
    for place, backbone in zip(axes, backbones, strict=True):
        for row, method in enumerate(methods):
            for offset, (kind, style) in zip((-0.2, 0.2), styles.items(), strict=True):
                chosen = timed[(timed["backbone"] == backbone) & (timed["method"] == method) & (timed["kind"] == kind)]
                if len(chosen):
                    _box(place, 1000 * chosen["seconds"].to_numpy(), row + offset, style, KIND_NAMES[kind], rng)
        place.set_yticks(range(len(methods)), methods)
        log_axis(place)
        place.set_xlabel("Frame to label map (ms), log scale")
        place.set_title(backbone)
    axes[0].invert_yaxis()
    add_legend(figure, axes, list(KIND_NAMES.values()), "Kind")
    return figure


def _box(
    axes: Any, times: np.ndarray, row: float, style: Mapping[str, str], name: str, rng: np.random.Generator
) -> None:
    low, middle, high = np.quantile(times, [0.25, 0.5, 0.75])
    axes.fill_betweenx([row - 0.15, row + 0.15], low, high, facecolor=style["color"], alpha=0.25, edgecolor="none")
    axes.plot([middle, middle], [row - 0.17, row + 0.17], color="0.1", lw=1.2)
    spread = row + rng.uniform(-0.12, 0.12, len(times))
    axes.plot(times, spread, linestyle="none", markersize=2.5, alpha=0.7, label=name, **style)
