"""Time by stage and operator. Each moment of a frame belongs to one stage, and within that to one operator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bench.measure.count.executed import Executed
from bench.profiling.names import REST, TRANSFER
from bench.profiling.spans import Frame, Span

BETWEEN = "between operators"
"""The time within a stage that no operator accounts for: Python and dispatching."""
OUTSIDE = "outside"
"""The time within a frame that lies between its stages."""

Place = tuple[str, str]
"""Stage and operator."""


@dataclass(frozen=True)
class Known:
    """The places and stages that `bench.measure.count.executed` tallied for a method's frames."""

    places: frozenset[Place]
    """Operators that were counted. Each keeps the time of whatever it calls; other operators keep their own time."""
    stages: frozenset[str]
    """Stages of the project. A method may annotate its trace otherwise too; those annotations are not stages."""


def known_places(counts: Iterable[Executed]) -> Known:
    """The places and stages of the frames that were counted."""
    places = frozenset(place for executed in counts for place in executed)
    return Known(places, frozenset(stage for stage, _ in places) | {TRANSFER, *REST.values()})


@dataclass
class Spent:
    """The time at one place, in one frame, on the host."""

    seconds: float = 0.0
    calls: int = 0


def host_time(frame: Frame, known: Known) -> dict[Place, Spent]:
    """The host's time at each place of a frame; the times add up to the frame's."""
    spent: defaultdict[Place, Spent] = defaultdict(Spent)
    for place, span, whole in _visit(frame, known):
        spent[place].seconds += span.seconds if whole else span.own_seconds
        spent[place].calls += span.is_operator
    return dict(spent)


def place_of(frame: Frame, known: Known, time: float) -> Place:
    """The stage and operator that the host is at, at `time`, within the frame."""
    span, place = frame.span, (OUTSIDE, BETWEEN)
    while (child := span.child_at(time)) is not None:
        span, place = child, _enter(place, child, known)
        if span.is_operator and place in known.places:
            break
    return place


def stage_seconds(spent: Mapping[Place, Spent]) -> dict[str, float]:
    """The time of each stage."""
    return totals((stage, time.seconds) for (stage, _), time in spent.items())


def totals(amounts: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The amounts of each name, added up."""
    sums: defaultdict[str, float] = defaultdict(float)
    for name, amount in amounts:
        sums[name] += amount
    return dict(sums)


def coverage(stages: Mapping[str, float]) -> float:
    """The share (0..1) of a frame's time in named stages: neither between them nor in the rest of the method."""
    rest = sum(seconds for stage, seconds in stages.items() if is_rest(stage))
    return 1 - rest / sum(stages.values())


def is_rest(stage: str) -> bool:
    """Whether a stage stands for work outside every named stage."""
    return stage == OUTSIDE or stage in REST.values()


def _visit(frame: Frame, known: Known) -> Iterator[tuple[Place, Span, bool]]:
    """Every span with its place, and whether it is taken whole, with what it holds."""
    waiting = [((OUTSIDE, BETWEEN), frame.span)]
    while waiting:
        place, span = waiting.pop()
        whole = span.is_operator and place in known.places
        yield place, span, whole
        if not whole:
            waiting += [(_enter(place, child, known), child) for child in span.children]


def _enter(place: Place, child: Span, known: Known) -> Place:
    """The place of what `child` does itself; within a stage there is no other."""
    stage, _ = place
    if child.is_operator:
        return stage, child.name
    return (child.name, BETWEEN) if is_rest(stage) and child.name in known.stages else place
