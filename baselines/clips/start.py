"""Which earlier frames CFFM-VSS and MRCFA look at, and what becomes of a clip's first frames."""

from __future__ import annotations

from typing import Literal, get_args

from mpvss.errors import UserError

ClipStart = Literal["vspw", "cityscapes"]
"""`vspw`: frames 0 to 2 are segmented alone, frames 3 to 8 from nearer references (both published programs).
`cityscapes`: frames 0 to 8 have no prediction; there the labelled frame is the 20th of its clip."""

OFFSETS = (9, 6, 3)
"""How many frames before the target its references lie, in time order."""
REFERENCES = len(OFFSETS)
"""How many references a frame has."""

_EARLY: dict[int, tuple[int, ...]] = {
    0: (),
    1: (),
    2: (),
    3: (0, 1, 2),
    4: (0, 2, 3),
    5: (0, 2, 4),
    6: (0, 2, 4),
    7: (0, 3, 5),
    8: (0, 3, 6),
}
"""The references of VSPW's first frames."""


class TooFewFramesError(UserError):
    """A frame has not enough frames before it to be segmented."""


def check_clip_start(rule: str) -> None:
    """Raise UserError unless `rule` is one of `ClipStart`."""
    if rule not in get_args(ClipStart):
        raise UserError(f"clip_start is {rule!r}; it must be {' or '.join(get_args(ClipStart))}")


def reference_frames(index: int, rule: ClipStart = "vspw") -> tuple[int, ...]:
    """The frames that frame `index` of a clip, from 0, is segmented with, in time order; none where it is alone.

    `TooFewFramesError` where the rule gives the frame no prediction.
    """
    if index >= OFFSETS[0]:
        return tuple(index - offset for offset in OFFSETS)
    if rule == "vspw":
        return _EARLY[index]
    raise TooFewFramesError(
        f"frame {index} of the clip (counted from 0) has no prediction: with clip_start='cityscapes' a frame needs "
        f"{OFFSETS[0]} frames before it; start the clip earlier, or use clip_start='vspw'"
    )


def needed_later(index: int, rule: ClipStart = "vspw") -> frozenset[int]:
    """Which of the frames up to `index` are references of later ones: at most nine."""
    needed: set[int] = set()
    for later in range(index + 1, index + OFFSETS[0] + 1):
        if rule == "vspw" or later >= OFFSETS[0]:
            needed.update(reference_frames(later, rule))
    return frozenset(frame for frame in needed if frame <= index)
