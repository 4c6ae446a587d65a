"""What a key frame and a non-key frame execute, counted on shapes alone where the method allows it.

Of a method without key frames, the first frame of a clip is counted in place of the key frame, and one far from the
clip's ends in place of the non-key frame.

On torch's "meta" device a tensor has a shape and no numbers, so the whole method runs in a moment, and runs the same on
every machine. A method that needs numbers, or leaves torch, is run once on a CPU instead.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from bench.evaluate.turns import follows_the_clip, propagate, segment
from bench.measure.count.calls import Call, recorded_calls, tallied
from bench.measure.count.executed import Executed, executed_operators
from bench.measure.count.outside import Exits
from mpvss.segmentor.mask2former import with_fixed_work
from mpvss.video import VideoSegmenter, lookahead_of

SETTLED = 10
"""The frame of a clip, from 0, that stands for all those far from its ends."""
REST = "rest"
"""The stage of what is outside of every stage."""


@runtime_checkable
class DependsOnContent(Protocol):
    """A method whose work on a later frame depends on what is in it."""

    def with_least_work(self) -> VideoSegmenter:
        """The same method, which does the least it can."""
        ...

    def with_most_work(self) -> VideoSegmenter:
        """The same method, which does the most it can."""
        ...


@dataclass(frozen=True)
class ExecutedFrames:
    """What was executed, by stage and operator, from the frame to its label map."""

    key: Executed
    non_key: Executed
    not_counted: tuple[str, ...] = ()
    """Each place where the method left torch."""


def count_frames(method: VideoSegmenter, size: tuple[int, int]) -> ExecutedFrames:
    """What a key frame and a non-key frame of `size` (height, width) execute. The method is left as it was.

    Its weights are on the CPU, or on the "meta" device, and may be anything. Where it cannot run on shapes it runs on
    a frame of random numbers, and what it then does outside of torch is named.

    Raises:
        UserError: an operator that is unknown to `bench.measure.count.operators`.
    """
    try:
        key, non_key = record_frames(method, size)
    except Exception:
        if _has_shapes_alone(method):
            raise
        # Any method may fail on shapes in any way, and then only the run on numbers can tell what is wrong with it.
        return on_values(method, size)
    return ExecutedFrames(tallied(key.calls), tallied(non_key.calls))


def count_used(method: VideoSegmenter, size: tuple[int, int]) -> ExecutedFrames:
    """As `count_frames`, without work that no label is made of, which a traced graph does not hold.

    That is how the paper counts. The method must run on shapes; whatever it raises there is raised.
    """
    key, non_key = record_frames(method, size)
    return ExecutedFrames(tallied(key.behind_labels), tallied(non_key.behind_labels))


@dataclass(frozen=True)
class RecordedFrame:
    """The calls that one frame makes, and those of them that its label map is made of."""

    calls: list[Call]
    behind_labels: list[Call]


def record_frames(method: VideoSegmenter, size: tuple[int, int]) -> tuple[RecordedFrame, RecordedFrame]:
    """The calls of a key frame and of a non-key frame, on shapes; whatever the method raises there is raised.

    A method whose work depends on what is in a frame does the least it can.
    """
    last = SETTLED if follows_the_clip(method) else 1
    recorded = record_clip(with_least_work(method), size, last + 1, wanted={0, last}, goes_on=True)
    return recorded[0], recorded[last]


def record_clip(
    method: VideoSegmenter, size: tuple[int, int], length: int, *, wanted: Collection[int], goes_on: bool
) -> dict[int, RecordedFrame]:
    """The calls of the `wanted` frames of a clip of one key frame, on shapes; whatever the method raises is raised.

    With `goes_on`, there are frames to look ahead at after the last one.
    """
    method = _on_shapes(method)
    frame = torch.empty(3, *size, dtype=torch.uint8, device="meta")
    ahead = lookahead_of(method)
    recorded, state = {}, None
    with torch.no_grad():
        for index in range(length):
            coming = (frame,) * (ahead if goes_on else min(ahead, length - 1 - index))
            with recorded_calls(REST) as calls:
                prediction, state = propagate(method, frame, state, coming) if index else segment(method, frame, coming)
                labels = prediction.labels()
            if not labels.is_meta:
                raise RuntimeError("the labels are not made of the frame by torch alone")
            if index in wanted:
                recorded[index] = RecordedFrame(calls.calls, calls.behind(labels))
    return recorded


def state_before(method: VideoSegmenter, frame: Tensor) -> Any:
    """The state before the frame that counts as non-key, in a clip of nothing but `frame`, (3, H, W)."""
    coming = (frame,) * lookahead_of(method)
    prediction, state = segment(method, frame, coming)
    prediction.labels()  # labels cached in the state are not recomputed
    for _ in range(SETTLED - 1 if follows_the_clip(method) else 0):
        state = propagate(method, frame, state, coming)[1]
    return state


def with_least_work(method: VideoSegmenter) -> VideoSegmenter:
    """The method itself, or where its work depends on what is in a frame, one that does the least it can."""
    return method.with_least_work() if isinstance(method, DependsOnContent) else method


def _on_shapes(method: VideoSegmenter) -> VideoSegmenter:
    """The method with shapes for weights; a copy, where they have numbers."""
    if _has_shapes_alone(method):
        return method
    method = copy.deepcopy(method)
    if isinstance(method, nn.Module):
        method.to("meta")
    return method


def on_values(method: VideoSegmenter, size: tuple[int, int]) -> ExecutedFrames:
    """As `count_frames`, by running the method on a random frame on the CPU, and once more on the same.

    The second run stands for the non-key frame; without key frames too, since frames are slow to run.
    """
    draw = torch.Generator().manual_seed(0)
    frame = torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=draw)
    method = with_fixed_work(method)
    coming = (frame,) * lookahead_of(method)
    with torch.no_grad(), Exits() as exits:
        with executed_operators(REST) as key:
            prediction, state = segment(method, frame, coming)
            prediction.labels()
        with executed_operators(REST) as non_key:
            propagate(method, frame, state, coming)[0].labels()
    return ExecutedFrames(key, non_key, exits.lines())


def _has_shapes_alone(method: VideoSegmenter) -> bool:
    return isinstance(method, nn.Module) and any(x.is_meta for x in method.parameters())
