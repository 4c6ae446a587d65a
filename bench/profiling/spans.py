"""A trace's events as trees: which operator ran in which stage of which frame."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.profiling.names import FRAME, REST, Kind
from mpvss.errors import UserError

Event = Mapping[str, Any]
ANNOTATION, OPERATOR = "user_annotation", "cpu_op"


@dataclass
class Span:
    """A piece of the host's work and the pieces inside it. Times are microseconds of the trace's clock."""

    name: str
    is_operator: bool
    start: float
    end: float
    children: list[Span] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end - self.start) * 1e-6

    @property
    def own_seconds(self) -> float:
        """How long it took, less its children."""
        return self.seconds - sum(child.seconds for child in self.children)

    def child_at(self, time: float) -> Span | None:
        """The child that runs at `time`."""
        at = bisect_right(self.children, time, key=lambda child: child.start) - 1
        return self.children[at] if at >= 0 and time <= self.children[at].end else None


@dataclass(frozen=True)
class Frame:
    """One frame of a trace."""

    kind: Kind
    span: Span


def read_frames(events: Iterable[Event]) -> list[Frame]:
    """The frames of a trace in order, each the root of a tree.

    Raises:
        UserError: the trace holds no frame.
    """
    spans = [event for event in events if event.get("ph") == "X" and event.get("cat") in (ANNOTATION, OPERATOR)]
    kinds: dict[str, Kind] = {kind + FRAME: kind for kind in REST}
    thread = next((event["tid"] for event in spans if event["name"] in kinds), None)
    if thread is None:
        raise UserError(f"the trace holds no annotation {' or '.join(map(repr, kinds))}, so no frame to profile")
    mine = [event for event in spans if event["tid"] == thread]
    return [Frame(kinds[span.name], span) for root in _trees(mine) for span in _named(root, kinds)]


def _trees(events: Iterable[Event]) -> list[Span]:
    """Nested by time: what begins within another is its child."""
    root = Span("", False, float("-inf"), float("inf"))
    path = [root]
    for event in sorted(events, key=lambda event: (event["ts"], -event["dur"])):
        start, end = event["ts"], event["ts"] + event["dur"]
        while start >= path[-1].end:
            path.pop()
        span = Span(event["name"], event["cat"] == OPERATOR, start, min(end, path[-1].end))
        path[-1].children.append(span)
        path.append(span)
    return root.children


def _named(span: Span, names: Iterable[str]) -> Iterator[Span]:
    if span.name in names:
        yield span
        return
    for child in span.children:
        yield from _named(child, names)
