"""The schedules that are played, each at the level that gives about as many key frames as are wanted. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.adaptive.play import MethodCost, Played, calibrated, gains_of, play
from bench.adaptive.rules import Above, Budget, Every, Oracle, Schedule
from bench.adaptive.table import ClipTable
from bench.runs.records.schedules import BUDGET, FIXED, KINDS, ORACLE
from mpvss.errors import UserError

PRICES = 200
"""How many prices of a key frame are tried."""
ABOUT = 5
"""The interval about which the oracle weighs pixels: the middle of those that are swept."""


@dataclass(frozen=True)
class PlayedOut:
    """A schedule over all clips, with the level that was chosen where it has one."""

    clips: tuple[Played, ...]
    level: float | None
    looks_ahead: int

    @property
    def key_frames(self) -> int:
        """How many there are."""
        return sum(clip.key_frames for clip in self.clips)


@dataclass(frozen=True)
class Player:
    """Plays schedules over the tables of one method's clips."""

    tables: Sequence[ClipTable]
    cost: MethodCost
    longest: int

    def play(self, name: str, interval: int) -> PlayedOut:
        """The schedule of that name, with about one key frame in `interval` frames.

        Raises:
            UserError: a name that is not known, or an interval below 1 or above the longest.
        """
        check_schedule(name)
        if not 1 <= interval <= self.longest:
            raise UserError(f"interval is {interval}; it must be 1 to {self.longest}, the longest that was run")
        if name == FIXED:
            return PlayedOut(self._all(Every(interval)), None, 0)
        if name.startswith(BUDGET):
            return PlayedOut(self._all(Budget(name.removeprefix(BUDGET), interval)), None, interval - 1)
        if name == ORACLE:
            gains = gains_of(self.tables, ABOUT, self.longest)
            # From nothing to more than the whole of a clip's gain, which is the mIoU's share of it.
            prices = np.concatenate(([-1.0], np.geomspace(1e-7, 1.0, PRICES)))
            level = calibrated(
                prices, lambda price: self._key_frames(self._oracle(price), gains), self._wanted(interval)
            )
            ahead = max(table.frames for table in self.tables) - 1
            return PlayedOut(self._all(self._oracle(level), gains), level, ahead)
        levels = self._levels(name)
        level = calibrated(levels, lambda at: self._key_frames(Above(name, at)), self._wanted(interval))
        return PlayedOut(self._all(Above(name, level)), level, 0)

    def _oracle(self, price: float) -> Oracle:
        return Oracle(price, self.longest)

    def _levels(self, signal: str) -> np.ndarray:
        """Every value of a signal, and one below them all, at which every frame is a key frame."""
        values = np.concatenate([table.signals[signal].ravel() for table in self.tables if signal in table.signals])
        values = np.unique(values[np.isfinite(values)])
        if not len(values):
            raise UserError(f"there is no value of the signal {signal!r}; give clips of two frames or more")
        return np.concatenate(([values[0] - 1], values))

    def _wanted(self, interval: int) -> float:
        return sum(-(-table.frames // interval) for table in self.tables)

    def _key_frames(self, schedule: Schedule, gains: Sequence[np.ndarray] | None = None) -> int:
        return sum(clip.key_frames for clip in self._all(schedule, gains))

    def _all(self, schedule: Schedule, gains: Sequence[np.ndarray] | None = None) -> tuple[Played, ...]:
        of_clips = [None] * len(self.tables) if gains is None else gains
        return tuple(
            play(schedule, table, self.cost, self.longest, of_clip)
            for table, of_clip in zip(self.tables, of_clips, strict=True)
        )


def check_schedule(name: str) -> None:
    """Raise UserError unless there is such a schedule."""
    if name not in KINDS:
        raise UserError(f"unknown schedule {name!r}; known are {', '.join(KINDS)}")
