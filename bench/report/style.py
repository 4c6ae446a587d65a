"""How every plot of the project looks, and how it is written so that the same data gives the same file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

PANEL_WIDTH, PANEL_HEIGHT, LEGEND_WIDTH = 3.6, 3.0, 2.1
"""Inches."""

# The strong colours of seaborn's colour-blind palette, without its yellow and its pink, and a dark grey.
COLOURS = ("#0173B2", "#DE8F05", "#029E73", "#D55E00", "#CC78BC", "#56B4E9", "#CA9161", "#333333", "#949494")

# Each series differs from the others in its marker and its dashes too, so that print in grey stays readable.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1.5, 1)),
    (0, (6, 1.5, 1.5, 1.5)),
    (0, (3, 1, 1, 1, 1, 1)),
)


@contextmanager
def styled() -> Iterator[None]:
    """The settings that plots are made under."""
    settings: dict[Any, Any] = {
        "axes.axisbelow": True,
        "axes.edgecolor": "0.2",
        "axes.grid": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlesize": "medium",
        "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same everywhere
        "font.size": 9,
        "grid.color": "0.9",
        "legend.frameon": False,
        "lines.linewidth": 1.4,
        "lines.markersize": 5,
        "savefig.dpi": 160,
        "svg.hashsalt": "mpvss-bench",
    }
    with mpl.rc_context(settings):
        yield


def series_styles(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour, marker and dashes of each series, by its place in `names`."""
    return {
        name: {
            "color": COLOURS[i % len(COLOURS)],
            "marker": MARKERS[i % len(MARKERS)],
            "linestyle": DASHES[i % len(DASHES)],
            "markerfacecolor": "white" if i % 2 else COLOURS[i % len(COLOURS)],
        }
        for i, name in enumerate(names)
    }


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write the figure as PNG and SVG, without a date or a version in them; the files."""
    png, svg = stem.with_suffix(".png"), stem.with_suffix(".svg")
    figure.savefig(png, bbox_inches="tight", metadata={"Software": None})
    figure.savefig(svg, bbox_inches="tight", metadata={"Date": None, "Creator": None})
    return [png, svg]
