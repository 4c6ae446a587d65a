"""How every plot of the project looks, and how it is written so that the same data gives the same file."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, fontManager
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from mpvss.files import written_whole

PANEL_WIDTH, PANEL_HEIGHT, LEGEND_WIDTH = 3.6, 3.0, 2.1
"""Inches."""

# The strong colours of seaborn's colour-blind palette, without its yellow and its pink, and three dark ones.
COLOURS = (
    *("#0173B2", "#DE8F05", "#029E73", "#D55E00", "#CC78BC", "#56B4E9", "#CA9161", "#333333", "#949494"),
    *("#7A3E9D", "#6E4B1F"),
)

# Each series differs from the others in its marker and its dashes too, so that print in grey stays readable.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "p")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1.5, 1)),
    (0, (6, 1.5, 1.5, 1.5)),
    (0, (3, 1, 1, 1, 1, 1)),
)


# The font that comes with matplotlib, under a name that no font of the system has: text is then as wide everywhere.
FONT = "DejaVu Sans of matplotlib"
fontManager.ttflist.append(FontEntry(fname=str(Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), name=FONT))

METADATA = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
"""What each format of figures holds besides the figure: no date and no version."""


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
        "font.family": FONT,
        "font.size": 9,
        "grid.color": "0.9",
        "legend.frameon": False,
        "lines.linewidth": 1.4,
        "lines.markersize": 5,
        "savefig.dpi": 160,
        "svg.hashsalt": "mpvss-bench",
        "text.parse_math": False,  # a name may hold a dollar sign
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


def band(axes: Axes, x: Sequence[float], low: Sequence[float], high: Sequence[float], style: Mapping[str, Any]) -> None:
    """The 95 % interval around a line, where there is one."""
    if list(low) != list(high):
        axes.fill_between(x, low, high, color=style["color"], alpha=0.15, linewidth=0)


def log_axis(axes: Axes) -> None:
    """Make the horizontal axis logarithmic, its ticks plain numbers: 1, 2, 5 of each decade, or 1 of many."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def add_legend(figure: Figure, axes: Sequence[Axes], names: Sequence[str], title: str) -> None:
    """One legend for all panels, to their right, in the order of `names`."""
    lines = {str(line.get_label()): line for place in axes for line in place.get_lines()}
    shown = [name for name in names if name in lines]
    figure.legend([lines[n] for n in shown], shown, loc="outside right upper", handlelength=3.5, title=title)


def figure_bytes(figure: Figure, ending: str) -> bytes:
    """The figure as `svg` or `png`, without a date or a version."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=ending, metadata=METADATA[ending])
    return _numbered(buffer.getvalue()) if ending == "svg" else buffer.getvalue()


def _numbered(svg: bytes) -> bytes:
    """Ids by number: those that matplotlib gives hash coordinates to their last digit, which processors differ in."""
    ids = dict.fromkeys(re.findall(rb' id="((?:[a-z]|C\d+_\d+_)[0-9a-f]{10})"', svg))
    numbers = {id: b"i%d" % number for number, id in enumerate(ids)}
    return re.sub(
        rb'(?<=["#])((?:[a-z]|C\d+_\d+_)[0-9a-f]{10})(?=[")])', lambda found: numbers.get(found[1], found[1]), svg
    )


def save(figure: Figure, stem: Path, formats: Sequence[str]) -> list[Path]:
    """Write the figure as `svg`, `png` or both, each whole or not at all; the files."""
    files = [stem.with_name(f"{stem.name}.{ending}") for ending in METADATA if ending in formats]
    for file in files:
        with written_whole(file) as opened:
            opened.write(figure_bytes(figure, file.suffix[1:]))
    return files
