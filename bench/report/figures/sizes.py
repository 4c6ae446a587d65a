"""Times against the size of the frames, as a figure."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from bench.measure.time.samples import KINDS
from bench.plotting import COLUMN_HEIGHT, COLUMN_WIDTH, add_legend, band, legend_height, series_styles
from bench.report.rows import Row, is_there
from bench.report.run import StudyRun
from bench.report.sizes import pixels_of, series_of, size_of


def times_against_size(group: Sequence[StudyRun]) -> Figure:
    """The median time of a group of `runs_by_size`: key frames left, others right, a row a backbone and scope.

    Both axes are logarithmic; bands are 95 % intervals of the median.
    """
    series = series_of(group)
    places = list(dict.fromkeys((backbone, scope) for backbone, _, scope, _ in series))
    names = list(dict.fromkeys(method for _, method, _, _ in series))
    styles = series_styles(names)
    width = 2 * COLUMN_WIDTH
    height = COLUMN_HEIGHT * len(places) + legend_height(names, width)
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(len(places), len(KINDS), squeeze=False)
    for row, (backbone, scope) in zip(axes, places, strict=True):
        for place, kind in zip(row, KINDS, strict=True):
            for method in names:
                found = series.get((backbone, method, scope, kind))
                if found:
                    pixels = sorted(found)
                    lines = [[_ms(found[x], name) for x in pixels] for name in ("p50", "p50_low", "p50_high")]
                    place.plot(pixels, lines[0], label=method, **styles[method])
                    band(place, pixels, lines[1], lines[2], styles[method])
            place.set(title=f"{backbone}, {kind} frames", xlabel="Frame size", xscale="log", yscale="log")
            place.set_ylabel(f"p50 (ms), scope {scope}")
            place.set_xticks([pixels_of(run) or 1 for run in group], [size_of(run) for run in group])
            place.xaxis.set_minor_locator(NullLocator())
            place.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            place.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            place.yaxis.set_minor_formatter(NullFormatter())
    add_legend(figure, list(axes.flat), names, width)
    return figure


def _ms(row: Row, name: str) -> float:
    return float(row[f"{name}_ms"] if is_there(row, f"{name}_ms") else row["p50_ms"])
