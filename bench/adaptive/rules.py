"""Schedules of key frames as values, with one interface: from what is offered at a frame to key or not. No torch.

The first frame of a clip is a key frame whatever a schedule says, and so is one that lies too far from its key frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from bench.evaluate.schedule import FixedInterval
from mpvss.errors import UserError


class Offer(Protocol):
    """What a schedule may ask at a frame."""

    @property
    def index(self) -> int:
        """The frame's index in its clip."""
        ...

    @property
    def key(self) -> int:
        """The index of the key frame that it would be propagated from."""
        ...

    @property
    def frames(self) -> int:
        """How many frames the clip has; a schedule that looks ahead asks."""
        ...

    def score(self, signal: str, index: int) -> float:
        """How much a frame wants to be a key frame, by a signal, seen from the key frame at hand.

        Asking costs what the signal computes. An index beyond the frame's own is of a frame to come.
        """
        ...

    def gain(self, key: int, index: int) -> float:
        """What the frame's map adds to the mIoU where it is propagated from `key`: the ground truth's answer."""
        ...


class Schedule(Protocol):
    """Decides frame by frame; what it remembers of a clip is a value that goes in and comes back."""

    def decide(self, offer: Offer, state: Any) -> tuple[bool, Any]:
        """Whether the frame is a key frame, and the state for the next; the clip's first `state` is None."""
        ...


@dataclass(frozen=True)
class Every:
    """The fixed interval: key frames at 0, k, 2k, …, whatever is in the frames."""

    interval: int

    def __post_init__(self) -> None:
        FixedInterval(self.interval)

    def decide(self, offer: Offer, state: None) -> tuple[bool, None]:
        """A key frame at every multiple of the interval."""
        return FixedInterval(self.interval).is_key(offer.index), None


@dataclass(frozen=True)
class Above:
    """A key frame wherever a signal is above a level."""

    signal: str
    level: float

    def decide(self, offer: Offer, state: None) -> tuple[bool, None]:
        """Ask the signal of the frame at hand."""
        return offer.score(self.signal, offer.index) > self.level, None


@dataclass(frozen=True)
class Budget:
    """One key frame in every window of k frames after the first, where a signal is highest, of equals the first.

    It looks at the whole window, so that its results are late by up to k-1 frames.
    """

    signal: str
    window: int

    def __post_init__(self) -> None:
        if self.window < 1:
            raise UserError(f"the window of a budget is {self.window} frames; it must be 1 or more")

    def decide(self, offer: Offer, state: int | None) -> tuple[bool, int]:
        """At a window's first frame choose its key frame, which is the state."""
        if state is None or (offer.index - 1) % self.window == 0:
            window = range(offer.index, min(offer.index + self.window, offer.frames))
            state = max(window, key=lambda index: (offer.score(self.signal, index), -index))
        return offer.index == state, state


@dataclass(frozen=True)
class Oracle:
    """The key frames of a clip that are worth most by the ground truth, each paid for by `price`. A ceiling.

    Those that maximise the sum of the frames' gains less `price` for each key frame, by dynamic programming over the
    clip; at most `longest` frames are between two. A gain is linear in the pixel counts, which mIoU is not, so another
    choice may have a slightly higher mIoU.
    """

    price: float
    longest: int

    def decide(self, offer: Offer, state: frozenset[int] | None) -> tuple[bool, frozenset[int]]:
        """At the first frame that is asked about plan all; the state is the plan."""
        plan = self._plan(offer) if state is None else state
        return offer.index in plan, plan

    def _plan(self, offer: Offer) -> frozenset[int]:
        frames = offer.frames
        best, following = [0.0] * (frames + 1), [frames] * frames
        for key in reversed(range(frames)):
            total, found = 0.0, float("-inf")
            for end in range(key + 1, min(key + self.longest, frames) + 1):
                total += offer.gain(key, end - 1)
                if total + best[end] - self.price > found:
                    found, following[key] = total + best[end] - self.price, end
            best[key] = found
        keys = [0]
        while following[keys[-1]] < frames:
            keys.append(following[keys[-1]])
        return frozenset(keys)
