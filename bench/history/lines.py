"""The lines of a history: one value over the commits, its levels, and the steps between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from bench.history.quantities import COUNTERS
from bench.history.steps import counter_levels, time_levels
from bench.runs.records.history import HistoryFigure, PointRecord


class LineKey(NamedTuple):
    """What the values of a line share. Times are of one machine; a counter is the same on all."""

    setting: str
    machine: str | None
    backbone: str
    method: str
    interval: int | None
    quantity: str

    @property
    def name(self) -> str:
        """What is drawn, without data and machine."""
        return ", ".join([self.method, self.backbone, *([f"interval {self.interval}"] if self.interval else [])])


@dataclass(frozen=True)
class Place:
    """One value of a line, and the point that it is of."""

    point: PointRecord
    figure: HistoryFigure


@dataclass(frozen=True)
class Step:
    """A change from one level to the next.

    Attributes:
        key: the line's.
        index: the first place of the new level.
        last: the last point before, and
        first: the first point after: the change is in the commits after `last`, up to `first`.
        before: the level before, in the line's unit.
        after: the level after.
        verdict: BETTER, WORSE, FASTER, SLOWER, or CHANGED.
        conditions: what else changed with it, "name: before → after".

    """

    key: LineKey
    index: int
    last: PointRecord
    first: PointRecord
    before: float
    after: float
    verdict: str
    conditions: tuple[str, ...]

    @property
    def change(self) -> str:
        """The relative change in words."""
        return f"{100 * (self.after / self.before - 1):+.3g} %" if self.before else f"{self.after - self.before:+g}"


@dataclass(frozen=True)
class Line:
    """A value over commits, in their order; `starts` are the places where a level begins."""

    key: LineKey
    places: tuple[Place, ...]
    starts: tuple[int, ...]

    @property
    def is_time(self) -> bool:
        """Whether it was timed."""
        return self.places[0].figure.is_time

    @property
    def levels(self) -> list[tuple[int, int, float]]:
        """First place, place after the last, and the median of each level."""
        values = [place.figure.value for place in self.places]
        ends = [*self.starts, len(values)]
        return [(start, end, median(values[start:end])) for start, end in pairwise(ends)]

    @property
    def steps(self) -> list[Step]:
        """Between each two levels."""
        return [self._step(start, before, after) for (_, _, before), (start, _, after) in pairwise(self.levels)]

    def _step(self, index: int, before: float, after: float) -> Step:
        last, first = self.places[index - 1].point, self.places[index].point
        return Step(self.key, index, last, first, before, after, _verdict(self, before, after), _changed(last, first))


def commit_order(points: Iterable[PointRecord]) -> list[str]:
    """The commits by their dates; where git did not know one, by when it was first measured."""
    dates: dict[str, str] = {}
    for point in points:
        date = point.committed or point.measured
        dates[point.commit] = min(date, dates.get(point.commit, date))
    return sorted(dates, key=lambda commit: (dates[commit], commit))


def make_lines(points: Iterable[PointRecord]) -> list[Line]:
    """Every line of the points, counters first; of a commit measured twice, the later value counts."""
    points = sorted(points, key=lambda point: point.measured)
    order = {commit: index for index, commit in enumerate(commit_order(points))}
    found: dict[LineKey, dict[str, Place]] = {}
    for point in points:
        for figure in point.figures:
            machine = point.machine if figure.is_time else None
            key = LineKey(point.setting, machine, figure.backbone, figure.method, figure.interval, figure.quantity)
            found.setdefault(key, {})[point.commit] = Place(point, figure)
    lines = [_line(key, [of[c] for c in sorted(of, key=order.__getitem__)]) for key, of in found.items()]
    return sorted(lines, key=lambda line: line.is_time)


def _line(key: LineKey, places: list[Place]) -> Line:
    figures = [place.figure for place in places]
    values = [figure.value for figure in figures]
    if figures[0].is_time:
        starts = time_levels(values, [f.low or 0.0 for f in figures], [f.high or 0.0 for f in figures])
    else:
        counter = COUNTERS.get(key.quantity)
        starts = counter_levels(values, counter.tolerance if counter else 0.0)
    return Line(key, tuple(places), tuple(starts))


def _verdict(line: Line, before: float, after: float) -> str:
    if line.is_time:
        return "SLOWER" if after > before else "FASTER"
    counter = COUNTERS.get(line.key.quantity)
    if counter is None or not counter.better:
        return "CHANGED"
    return "BETTER" if (after - before) * counter.better > 0 else "WORSE"


def _changed(last: PointRecord, first: PointRecord) -> tuple[str, ...]:
    names = sorted({*last.conditions, *first.conditions})
    pairs = ((name, last.conditions.get(name, "-"), first.conditions.get(name, "-")) for name in names)
    return tuple(f"{name}: {before} → {after}" for name, before, after in pairs if before != after)
