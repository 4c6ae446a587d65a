"""A part of the clips of a data set, for sweeps that are shared among machines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bench.data import Dataset
from bench.runs.records.run import ShardRecord
from bench.sweep.clips import frames_to_score, labelled_clips
from mpvss.errors import UserError


@dataclass(frozen=True)
class Shard:
    """Part `number`, counted from 1, of `count`.

    >>> Shard.parse("2/8")
    Shard(number=2, count=8)
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From `i/N`; UserError for anything else."""
        matched = re.fullmatch(r"(\d+)/(\d+)", text)
        if not matched or not 1 <= int(matched[1]) <= int(matched[2]):
            raise UserError(f"shard is {text!r}; it must be i/N with i from 1 to N, as 2/8")
        return cls(int(matched[1]), int(matched[2]))

    def record(self, dataset: Dataset) -> ShardRecord:
        """Which clips it holds, as a run's file says it.

        Raises:
            UserError: there are fewer labelled clips than parts.
        """
        clips = labelled_clips(dataset)
        if len(clips) < self.count:
            raise UserError(
                f"shard is {self.number}/{self.count}, and {dataset.name} has {len(clips)} labelled clips; there can "
                "be a part for each of them at most"
            )
        parts = divide([frames_to_score(clip) for _, clip in clips], self.count)
        return ShardRecord(
            number=self.number,
            count=self.count,
            clips=[clips[position][0] for position in parts[self.number - 1]],
            labelled_clips=len(clips),
        )


def divide(frames: Sequence[int | None], count: int) -> list[list[int]]:
    """Positions of clips of so many frames in `count` parts, each ascending.

    The next longest clip goes to the part that is the shortest so far. A clip of unknown length counts as the mean
    of those that are known.

    >>> divide([30, 10, 20, 10, None], 2)
    [[0, 3], [1, 2, 4]]
    """
    known = [length for length in frames if length is not None]
    mean = sum(known) / len(known) if known else 1
    lengths = [mean if length is None else length for length in frames]
    parts, loads = [list[int]() for _ in range(count)], [0.0] * count
    for position in sorted(range(len(lengths)), key=lambda position: (-lengths[position], position)):
        least = min(range(count), key=lambda part: (loads[part], len(parts[part])))
        parts[least].append(position)
        loads[least] += lengths[position]
    return [sorted(part) for part in parts]
