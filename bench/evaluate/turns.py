"""A frame's turn, the same for every kind of method: with key frames or without, looking ahead or not."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from torch import Tensor

from baselines.per_frame import PerFrame
from bench.evaluate.schedule import FixedInterval
from mpvss.errors import UserError
from mpvss.video import Prediction, VideoSegmenter, lookahead_of, uses_key_frames

Item = TypeVar("Item")


def segment(method: VideoSegmenter, frame: Tensor, coming: Sequence[Tensor] = ()) -> tuple[Prediction, Any]:
    """A key frame, or the first frame of a clip. A method that looks ahead is shown as many of `coming` as it wants."""
    ahead = lookahead_of(method)
    return method.segment(frame, coming=coming[:ahead]) if ahead else method.segment(frame)  # type: ignore[call-arg]


def propagate(
    method: VideoSegmenter, frame: Tensor, state: Any, coming: Sequence[Tensor] = ()
) -> tuple[Prediction, Any]:
    """Any other frame, as `segment`."""
    ahead = lookahead_of(method)
    if not ahead:
        return method.propagate(frame, state)
    return method.propagate(frame, state, coming=coming[:ahead])  # type: ignore[call-arg]


def is_segmented(method: object, schedule: FixedInterval, index: int) -> bool:
    """Whether frame `index` of a clip is segmented: a key frame, or of a method without key frames the first."""
    return schedule.is_key(index) if uses_key_frames(method) else index == 0


def follows_the_clip(method: object) -> bool:
    """Whether a method takes every frame of a clip in turn. Per frame, each could be the clip's first."""
    return not uses_key_frames(method) and not isinstance(method, PerFrame)


def with_coming(items: Iterable[Item], count: int) -> Iterator[tuple[Item, tuple[Item, ...]]]:
    """Each item with the `count` that follow it, fewer at the end; no more are read ahead, or kept."""
    source = iter(items)
    ahead = deque(islice(source, count + 1))
    while ahead:
        yield ahead.popleft(), tuple(ahead)
        ahead.extend(islice(source, 1))


def refuse_lookahead(name: str, method: object) -> None:
    """UserError where a method cannot run on a live stream, since it must see frames that have not come yet."""
    ahead = lookahead_of(method)
    if ahead:
        frames = f"{ahead} frames" if ahead > 1 else "the frame"
        raise UserError(
            f"{name} looks at {frames} after each one, which a stream does not have yet; measure it on a recorded clip"
        )
