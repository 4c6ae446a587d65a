"""The roofline of stages, and memory over time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.plotting import LEGEND_WIDTH, PANEL_HEIGHT, PANEL_WIDTH, save, series_styles, styled
from bench.profiling.ceilings import Ceilings
from bench.profiling.memory_timeline import MemoryTimeline
from bench.profiling.spans import Frame
from bench.profiling.tables import Row

FORMATS = ("svg", "png")
WIDE = 1.5
KIND_FILL = {"key": "full", "non-key": "none"}


def plot_roofline(stages: Sequence[Row], ceilings: Ceilings, stem: Path) -> list[Path]:
    """GMAC/s over MACs per byte of every stage with both, under what the machine reached; the files."""
    shown = [row for row in stages if row["gmacs_per_s"] and row["macs_per_byte"]]
    names = list(dict.fromkeys(row["stage"] for row in shown))
    styles = series_styles(names)
    with styled():
        figure = Figure(figsize=(PANEL_WIDTH * WIDE + LEGEND_WIDTH, PANEL_HEIGHT * WIDE), layout="constrained")
        axes = figure.subplots()
        ridge = ceilings.macs_per_second / ceilings.bytes_per_second
        reach = [row["macs_per_byte"] for row in shown] + [ridge]
        span = np.geomspace(min(reach) / 3, max(reach) * 3, 200)
        axes.loglog(span, [ceilings.macs_per_second_at(x) / 1e9 for x in span], color="0.2")
        axes.annotate(
            f"{ceilings.macs_per_second / 1e9:.3g} GMAC/s, {ceilings.bytes_per_second / 1e9:.3g} GB/s (measured)",
            (span[-1], ceilings.macs_per_second / 1e9),
            (0, 5),
            textcoords="offset points",
            ha="right",
        )
        for row in shown:
            style = styles[row["stage"]]
            axes.plot(
                row["macs_per_byte"],
                row["gmacs_per_s"],
                linestyle="none",
                marker=style["marker"],
                color=style["color"],
                markersize=8,
                fillstyle=KIND_FILL[row["frame"]],  # type: ignore[arg-type]
            )
        axes.set_xlabel("MACs per byte (operands and results, once each)")
        axes.set_ylabel("GMAC/s")
        axes.margins(y=0.1)
        marks = [_mark(name, styles[name]["marker"], styles[name]["color"], "full") for name in names]
        kinds = [_mark(f"{kind} frame", "o", "0.2", fill) for kind, fill in KIND_FILL.items()]
        figure.legend(handles=marks + kinds, loc="outside right upper", title="Stage")
        return save(figure, stem, FORMATS)


def plot_memory(memory: MemoryTimeline, frames: Sequence[Frame], device: str, stem: Path) -> list[Path]:
    """Allocated megabytes over milliseconds, key frames shaded; the files."""
    start = frames[0].span.start
    with styled():
        figure = Figure(figsize=(PANEL_WIDTH * 2, PANEL_HEIGHT), layout="constrained")
        axes = figure.subplots()
        times = [(time - start) / 1e3 for time in memory.times]
        axes.step(times, [size / 1e6 for size in memory.allocated], where="post", linewidth=0.8)
        for frame in frames:
            if frame.kind == "key":
                axes.axvspan((frame.span.start - start) / 1e3, (frame.span.end - start) / 1e3, color="0.9", zorder=0)
        axes.set_xlim(0, (frames[-1].span.end - start) / 1e3)
        axes.set_ylim(bottom=0)
        axes.set_title("Key frames shaded")
        axes.set_xlabel("Time under the profiler (ms)")
        axes.set_ylabel("Allocated since the start (MB)" if device == "cpu" else "Allocated on the device (MB)")
        return save(figure, stem, FORMATS)


def _mark(label: str, marker: str, color: str, fill: str) -> Line2D:
    return Line2D([], [], linestyle="none", marker=marker, color=color, fillstyle=fill, label=label)  # type: ignore[arg-type]
