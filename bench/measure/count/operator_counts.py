"""How often each operator runs for one key frame and for one non-key frame: a count without noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from bench.measure.count.executed import Executed, ExecutedOperators
from bench.measure.time.modes import Mode, steps_of
from bench.measure.time.passes import settled_frame
from bench.measure.time.samples import Kind
from mpvss.segmentor.mask2former import with_fixed_work
from mpvss.video import VideoSegmenter

Calls = dict[str, int]
"""Calls of each operator (`aten::mm`) by name."""


def calls_of(executed: Executed) -> Calls:
    """The calls of each operator that reads or writes numbers; views and allocations do neither."""
    calls: Counter[str] = Counter()
    for (_, name), tally in executed.items():
        if tally.bytes:
            calls[name] += tally.calls
    return dict(sorted(calls.items()))


def count_operators(segmenter: VideoSegmenter, frames: Sequence[Tensor], mode: Mode) -> Mapping[Kind, Calls]:
    """The calls for a key frame and for the frame after it, each from the frame to its label map, run eagerly.

    `frames` are two or more of a clip, (3, H, W) each, on the method's device; of one frame alone, only the key frame
    is counted. Counted is a second time around, when what a method keeps between frames is there; shortcuts that depend
    on what is in a picture are not taken. Of a method without key frames a frame far from the clip's ends is counted,
    as a key frame: it has but one kind.
    """
    steps = steps_of(with_fixed_work(segmenter), "labels")
    counts: dict[Kind, Calls] = {}
    with torch.inference_mode(), mode.autocast(frames[0].device):
        if not steps.key_frames:
            settled = settled_frame(steps, frames)
            settled()
            with ExecutedOperators(lambda: "", _uncounted) as executing:
                settled()
            return {"key": calls_of(executing.tallies)}
        for _ in range(2):
            state = None
            for kind, frame in zip(("key", "non-key"), frames, strict=False):
                with ExecutedOperators(lambda: "", _uncounted) as executing:
                    _, state = steps.key(frame) if kind == "key" else steps.non_key(frame, state)
                counts[kind] = calls_of(executing.tallies)
    return counts


def _uncounted(operator: Any, args: Sequence[Any], out: Any) -> int:
    return 0
