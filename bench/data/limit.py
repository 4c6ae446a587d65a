"""The start of a data set: its first clips, and the first frames of each."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from bench.data.clip import Clip, Dataset
from mpvss.errors import UserError


def limit(dataset: Dataset, clips: int | None, frames: int | None) -> Dataset:
    """The first `clips` clips of the data, and the first `frames` frames of each; None: all.

    Raises:
        UserError: a limit below 1, or one that leaves a clip none of the frames it is scored on.
    """
    for name, value in (("clips", clips), ("frames", frames)):
        if value is not None and value < 1:
            raise UserError(f"{name} is {value}; it must be 1 or more")
    return replace(dataset, clips=tuple(_limit_clip(clip, frames) for clip in dataset.clips[:clips]))


def _limit_clip(clip: Clip, frames: int | None) -> Clip:
    if frames is None:
        return clip
    known = None if clip.num_frames is None else min(clip.num_frames, frames)
    limited = replace(clip, read=lambda: islice(clip.read(), frames), num_frames=known)
    if clip.labelled_frames is None:
        return limited
    left = tuple(index for index in clip.labelled_frames if index < frames)
    if not left:
        raise UserError(
            f"frames is {frames}; the first labelled frame of clip {clip.name} is {clip.labelled_frames[0]}, "
            "counted from 0"
        )
    return replace(limited, labelled_frames=left)
