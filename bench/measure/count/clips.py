"""What whole clips cost of a method without key frames, whose frames cost more or less near a clip's ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from bench.measure.count.calls import tallied
from bench.measure.count.executed import total_macs
from bench.measure.count.frames import SETTLED, RecordedFrame, record_clip, with_least_work
from mpvss.errors import UserError
from mpvss.video import VideoSegmenter, lookahead_of


@dataclass(frozen=True)
class ClipMacs:
    """Multiply-accumulates of frames by their place in a clip."""

    opening: tuple[int, ...]
    """Of the first frames, as long as they differ from later ones."""
    settled: int
    """Of each frame far from the clip's ends."""
    ending: tuple[int, ...] = ()
    """Of the last frames, which have fewer frames to look ahead at."""
    short: Mapping[int, int] = field(default_factory=dict)
    """Of whole clips, by their length, that are too short to have both ends."""

    def total(self, length: int) -> int:
        """Of a clip of `length` frames; UserError where it is a short one that was not counted."""
        if not self.ending or length >= SETTLED + len(self.ending):
            between = max(length - len(self.opening) - len(self.ending), 0)
            return sum(self.opening[:length]) + between * self.settled + sum(self.ending)
        if length not in self.short:
            raise UserError(f"clips of {length} frames were not counted; name their length where the cost is counted")
        return self.short[length]


def clip_macs(
    method: VideoSegmenter, size: tuple[int, int], lengths: Collection[int], *, used_alone: bool = False
) -> ClipMacs:
    """The MACs of clips of these `lengths` and of all long ones, of frames of `size` (height, width).

    A method whose work depends on what is in a frame does the least it can. `used_alone` leaves out what no label is
    made of. The method must run on shapes; whatever it raises is raised.
    """
    method = with_least_work(method)

    def count(length: int, *, goes_on: bool) -> list[int]:
        recorded = record_clip(method, size, length, wanted=range(length), goes_on=goes_on)
        return [_macs(recorded[index], used_alone) for index in range(length)]

    *opening, settled = count(SETTLED + 1, goes_on=True)
    while opening and opening[-1] == settled:
        opening.pop()
    ahead = lookahead_of(method)
    if not ahead:
        return ClipMacs(tuple(opening), settled)
    ending = count(SETTLED + ahead, goes_on=False)[-ahead:]
    short = {length: sum(count(length, goes_on=False)) for length in set(lengths) if length < SETTLED + ahead}
    return ClipMacs(tuple(opening), settled, tuple(ending), short)


def _macs(frame: RecordedFrame, used_alone: bool) -> int:
    return total_macs(tallied(frame.behind_labels if used_alone else frame.calls))
