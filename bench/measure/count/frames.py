"""What a key frame and a non-key frame execute, counted on shapes alone where the method allows it.

On torch's "meta" device a tensor has a shape and no numbers, so the whole method runs in a moment, and runs the same on
every machine. A method that needs numbers, or leaves torch, is run once on a CPU instead.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn

from bench.measure.count.calls import Call, recorded_calls, tallied
from bench.measure.count.executed import Executed, executed_operators
from bench.measure.count.outside import Exits
from mpvss.segmentor.mask2former import with_fixed_work
from mpvss.video import VideoSegmenter

REST = "rest"
"""The stage of what is outside of every stage."""


@dataclass(frozen=True)
class ExecutedFrames:
    """What was executed, by stage and operator, from the frame to its label map."""

    key: Executed
    non_key: Executed
    not_counted: tuple[str, ...] = ()
    """Each place where the method left torch."""


def count_frames(method: VideoSegmenter, size: tuple[int, int]) -> ExecutedFrames:
    """What a key frame and the frame after it of `size` (height, width) execute. The method is left as it was.

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
    """The calls of a key frame and of the frame after it, on shapes; whatever the method raises there is raised."""
    if not _has_shapes_alone(method):
        method = copy.deepcopy(method)
        if isinstance(method, nn.Module):
            method.to("meta")
    frame = torch.empty(3, *size, dtype=torch.uint8, device="meta")
    with torch.no_grad():
        with recorded_calls(REST) as key:
            prediction, state = method.segment(frame)
            labels = prediction.labels()
        with recorded_calls(REST) as non_key:
            next_labels = method.propagate(frame, state)[0].labels()
    if not (labels.is_meta and next_labels.is_meta):
        raise RuntimeError("the labels are not made of the frame by torch alone")
    return RecordedFrame(key.calls, key.behind(labels)), RecordedFrame(non_key.calls, non_key.behind(next_labels))


def on_values(method: VideoSegmenter, size: tuple[int, int]) -> ExecutedFrames:
    """As `count_frames`, by running the method on a random frame on the CPU."""
    draw = torch.Generator().manual_seed(0)
    frame = torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=draw)
    method = with_fixed_work(method)
    with torch.no_grad(), Exits() as exits:
        with executed_operators(REST) as key:
            prediction, state = method.segment(frame)
            prediction.labels()
        with executed_operators(REST) as non_key:
            method.propagate(frame, state)[0].labels()
    return ExecutedFrames(key, non_key, exits.lines())


def _has_shapes_alone(method: VideoSegmenter) -> bool:
    return isinstance(method, nn.Module) and any(x.is_meta for x in method.parameters())
