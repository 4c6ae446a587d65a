"""One line of a history as an SVG: values over all commits, their intervals, the levels, and the steps."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bench.history.lines import Line, Place

WIDTH, HEIGHT = 400, 140
LEFT, RIGHT, TOP, BOTTOM = 92, 8, 10, 24
"""Room around the plot, in the units of the SVG."""


def draw(line: Line, commits: Sequence[str]) -> str:
    """The SVG; every commit has its place, measured or not, so that plots below each other agree."""
    place_of = {commit: index for index, commit in enumerate(commits)}
    ends = [end for place in line.places for end in _ends(place)]
    bottom, top = min(ends), max(ends)
    room = 0.08 * (top - bottom) or abs(top) or 1.0
    low, high = bottom - room, top + room

    def x(index: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (index + 0.5) / len(commits)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    xs = [x(place_of[place.point.commit]) for place in line.places]
    parts = [_axis(y, bottom, top, commits)]
    for start in line.starts[1:]:
        middle = (xs[start - 1] + xs[start]) / 2
        parts.append(f'<path class="step" d="M{middle:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
    for start, end, level in line.levels:
        parts.append(f'<path class="level" d="M{xs[start] - 4:.1f} {y(level):.1f}H{xs[end - 1] + 4:.1f}"/>')
    for place, at in zip(line.places, xs, strict=True):
        least, most = _ends(place)
        if line.is_time:
            parts.append(f'<path class="interval" d="M{at:.1f} {y(least):.1f}V{y(most):.1f}"/>')
        title = escape(said(place))
        parts.append(f'<circle cx="{at:.1f}" cy="{y(place.figure.value):.1f}" r="2.5"><title>{title}</title></circle>')
    label = escape(f"{line.key.quantity} of {line.key.name}: {len(line.places)} commits, {len(line.steps)} steps")
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def said(place: Place) -> str:
    """A value in words, with its commit and date."""
    figure, point = place.figure, place.point
    interval = "" if figure.low is None or figure.high is None else f" [{number(figure.low)}, {number(figure.high)}]"
    return f"{point.commit}, {(point.committed or point.measured)[:10]}: {number(figure.value)}{interval}"


def number(value: float) -> str:
    """Whole and large numbers in full, others to five digits."""
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1e5 else f"{value:.5g}"


def _ends(place: Place) -> tuple[float, float]:
    figure = place.figure
    return (figure.value if figure.low is None else figure.low, figure.value if figure.high is None else figure.high)


def _axis(y, bottom: float, top: float, commits: Sequence[str]) -> str:
    values = dict.fromkeys((bottom, top))
    texts = [f'<text class="value" x="{LEFT - 8}" y="{y(value) + 4:.1f}">{number(value)}</text>' for value in values]
    rules = [f'<path class="rule" d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}"/>' for value in values]
    first = f'<text x="{LEFT}" y="{HEIGHT - 6}">{escape(commits[0])}</text>'
    last = f'<text class="value" x="{WIDTH - RIGHT}" y="{HEIGHT - 6}">{escape(commits[-1])}</text>'
    return "".join([*rules, *texts, first, last if len(commits) > 1 else ""])
