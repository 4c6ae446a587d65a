"""Schedules of key frames."""

from __future__ import annotations

from dataclasses import dataclass

from mpvss.errors import UserError


@dataclass(frozen=True)
class FixedInterval:
    """Key frames at 0, k, 2k, … (Sec. 3.1 of the paper); interval 1 makes every frame one.

    >>> schedule = FixedInterval(5)
    >>> [index for index in range(15) if schedule.is_key(index)]
    [0, 5, 10]
    >>> schedule.key_of(7)
    5

    Raises:
        UserError: an interval below 1.
    """

    interval: int

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise UserError(f"key-frame interval is {self.interval}; it must be 1 or more")

    def key_of(self, index: int) -> int:
        """The index of the key frame that frame `index` is propagated from (itself, for a key frame)."""
        return index - index % self.interval

    def is_key(self, index: int) -> bool:
        """True where frame `index`, counted from 0, is a key frame."""
        return self.key_of(index) == index

    def count_keys(self, clip_length: int) -> int:
        """The number of key frames among the first `clip_length` frames; UserError for a length below 1."""
        if clip_length < 1:
            raise UserError(f"clip length is {clip_length}; it must be 1 or more")
        return -(-clip_length // self.interval)
