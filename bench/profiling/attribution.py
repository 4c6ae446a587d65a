"""Time by stage and operator. Every moment of a frame belongs to one stage, and in it to one operator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bench.measure.count.executed import Executed
from bench.profiling.frames import REST, TRANSFER
from bench.profiling.spans import Frame, Span

BETWEEN = "between operators"
"""Of a stage: Python, and what dispatching takes that no operator accounts for."""
OUTSIDE = "outside"
"""Of a frame: between its stages."""

Place = tuple[str, str]
"""Stage and operator."""


@dataclass(frozen=True)
class Known:
    """What `bench.measure.count.executed` tallies of a method's frames."""

    places: frozenset[Place]
    """An operator here keeps the time of whatever it calls; others, which are made of these, what is left of theirs."""
    stages: frozenset[str]
    """Other annotations in a trace, which a method may make of its own, are no stages."""


def known_places(counts: Iterable[Executed]) -> Known:
    """Of the frames that were counted."""
    places = frozenset(place for executed in counts for place in executed)
    return Known(places, frozenset(stage for stage, _ in places) | {TRANSFER, *REST.values()})


@dataclass
class Spent:
    """The time at one place, in one frame, on the host."""

    seconds: float = 0.0
    calls: int = 0


def host_time(frame: Frame, known: Known) -> dict[Place, Spent]:
    """The host's time in a frame. It sums to the frame's."""
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
    """The share of a frame's time in stages that are named: not between them, and not in a method's rest."""
    rest = sum(seconds for stage, seconds in stages.items() if is_rest(stage))
    return 1 - rest / sum(stages.values())


def is_rest(stage: str) -> bool:
    """Whether this is a frame's work outside of every named stage."""
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
