"""Rules that end sampling and its warm-up."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol, TypeVar

from bench.measure.time.quantiles import median_interval
from mpvss.errors import UserError

NEGLIGIBLE = 20e-6
"""Seconds that the clock and the interpreter take themselves. Smaller differences between times do not count."""

Group = TypeVar("Group")
Times = Sequence[float]
"""Seconds of one method, scope and kind of frame."""


class Rule(Protocol):
    """Decides after each round whether it was the last."""

    def reached(self, groups: Collection[Times], rounds: int, seconds: float) -> str | None:
        """Why sampling ends after `rounds` rounds; None: it continues.

        `seconds` run from the start of the backbone, building and warm-up included, to the end of one more round.
        """
        ...

    def out_of_time(self, seconds: float) -> bool:
        """Whether so many seconds from the start of the backbone are too many."""
        ...


@dataclass(frozen=True)
class FixedRounds:
    """A number of rounds (the paper: three)."""

    rounds: int = 3

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise UserError(f"the number of rounds is {self.rounds}; it must be 1 or more")

    def reached(self, groups: Collection[Times], rounds: int, seconds: float) -> str | None:
        """`rounds`, once that many rounds are done."""
        return "rounds" if rounds >= self.rounds else None

    def out_of_time(self, seconds: float) -> bool:
        """Never: the rounds are run however long they take."""
        return False

    def __str__(self) -> str:
        return f"{self.rounds} rounds"


@dataclass(frozen=True)
class Precision:
    """Sampling until every median is known to a target precision, or time is up.

    Attributes:
        width: bound on the width of the median's 95 % interval over the median; `NEGLIGIBLE` is narrow in any case.
        minimum: least number of samples in each group.
        time_limit: seconds for a backbone, with building its methods and the warm-up, over all processes. A round that
            would end later is not begun, but one is run in any case.

    """

    width: float = 0.02
    minimum: int = 30
    time_limit: float = 180.0

    def __post_init__(self) -> None:
        if not self.width > 0:
            raise UserError(f"the precision is {self.width}; it must be above 0, as 0.02 for 2 %")
        if self.minimum < 1:
            raise UserError(f"the minimum of samples is {self.minimum}; it must be 1 or more")
        if not self.time_limit > 0:
            raise UserError(f"the time limit is {self.time_limit} s; it must be above 0")

    def reached(self, groups: Collection[Times], rounds: int, seconds: float) -> str | None:
        """`precision`, once every group has it; `time limit`, where one more round would pass it."""
        if all(self._precise(group) for group in groups):
            return "precision"
        return "time limit" if self.out_of_time(seconds) else None

    def out_of_time(self, seconds: float) -> bool:
        """Whether the time limit is passed."""
        return seconds > self.time_limit

    def _precise(self, times: Times) -> bool:
        if len(times) < self.minimum:
            return False
        interval = median_interval(times)
        if interval is None:
            return False
        return interval.relative_width <= self.width or interval.high - interval.low <= NEGLIGIBLE

    def __str__(self) -> str:
        return (
            f"until each median's 95 % interval is within {100 * self.width:g} % and has {self.minimum} samples, "
            f"{self.time_limit:g} s for a backbone at most"
        )


@dataclass(frozen=True)
class WarmUp:
    """Rounds whose times do not count, before those that do.

    Attributes:
        frames: how many frames of the clip a round runs; None: all.
        tolerance: times have settled once each group's median in a round is within this share of that in the round
            before; None: they are not checked.
        most: rounds at most.

    """

    frames: int | None = None
    tolerance: float | None = 0.05
    most: int = 5

    def settled(self, before: Mapping[Group, Times] | None, last: Mapping[Group, Times]) -> bool:
        """Whether the times of two successive rounds, by group, agree."""
        if self.tolerance is None or before is None:
            return False
        pairs = [(median(before[group]), median(times)) for group, times in last.items() if group in before]
        return all(abs(new - old) <= max(self.tolerance * old, NEGLIGIBLE) for old, new in pairs)


BRIEF_WARM_UP = WarmUp(frames=3, tolerance=None, most=1)
"""Three frames: enough where figures are for orientation, as in a sweep."""
