"""A method's cost before it is run: parameters, and multiply-accumulates for each kind of frame."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch

from bench.evaluate.schedule import FixedInterval
from bench.evaluate.turns import follows_the_clip
from bench.measure.count.calls import tallied
from bench.measure.count.clips import ClipMacs, clip_macs
from bench.measure.count.executed import total_macs
from bench.measure.count.frames import DependsOnContent, count_frames, count_used, record_clip
from bench.measure.count.weights import weights_of
from bench.measure.time.samples import CLIP_LENGTH
from bench.methods import build
from bench.methods.names import runs_on_shapes
from mpvss.errors import UserError
from mpvss.presets import Execution
from mpvss.video import VideoSegmenter


@dataclass(frozen=True)
class Cost:
    """What one method costs at one frame size."""

    parameters: int
    key_macs: int
    """Multiply-accumulates of a key frame."""
    non_key_macs: int
    """Multiply-accumulates of any non-key frame."""
    not_counted: tuple[str, ...] = ()
    """Each place where the method leaves torch; what it does there is in no count."""
    clips: ClipMacs | None = None
    """Of a method without key frames, whose frames differ by their place in a clip alone. Key frame then means the
    clip's first frame, and non-key frame one far from the clip's ends."""
    most_non_key_macs: int | None = None
    """Where a non-key frame's work depends on what is in it: the most. `non_key_macs`, and every mean, is the least."""

    def mean_macs(self, interval: int, clip_length: int = CLIP_LENGTH) -> float:
        """Multiply-accumulates per frame, averaged over a clip that starts with a key frame."""
        return self.mean_over(interval, [clip_length])

    def mean_over(self, interval: int, clip_lengths: Sequence[int]) -> float:
        """Multiply-accumulates per frame, averaged over all frames of clips of these lengths.

        Raises:
            UserError: there is no clip, or one without a frame; of a method that looks ahead, a short clip whose
                length was not named where the cost was counted.
        """
        if not clip_lengths:
            raise UserError("there are no clips; a mean needs one or more")
        if self.clips is not None:
            FixedInterval(interval).count_keys(min(clip_lengths))
            return sum(map(self.clips.total, clip_lengths)) / sum(clip_lengths)
        keys, frames = sum(map(FixedInterval(interval).count_keys, clip_lengths)), sum(clip_lengths)
        return (keys * self.key_macs + (frames - keys) * self.non_key_macs) / frames

    def long_run_macs(self, interval: int) -> float:
        """Multiply-accumulates per frame of a video without end: one key frame in `interval` frames."""
        if self.clips is not None:
            return self.clips.settled
        return self.mean_over(interval, [interval])


def method_cost(
    method: str,
    *,
    backbone: str,
    num_classes: int,
    size: tuple[int, int],
    key_backbone: str | None = None,
    execution: Execution = "lean",
    clip_lengths: Collection[int] = (CLIP_LENGTH,),
) -> Cost:
    """The cost of a method by name at `size` (height, width).

    For the methods that are built here no weight is computed or stored. Others are built as their package builds them.
    """
    _check(size)
    is_own = runs_on_shapes(method, backbone)
    with torch.device("meta") if is_own else nullcontext():
        built = build(
            method, backbone=backbone, key_backbone=key_backbone, num_classes=num_classes, execution=execution
        )
    return cost_of(built, size, used_alone=execution == "paper" and is_own, clip_lengths=clip_lengths)


def cost_of(
    method: VideoSegmenter,
    size: tuple[int, int],
    *,
    used_alone: bool = False,
    clip_lengths: Collection[int] = (CLIP_LENGTH,),
) -> Cost:
    """The cost of any method at `size` (height, width); its weights are on the CPU, or on the "meta" device.

    Multiply-accumulates are those of the operators that run, from the frame to its label map. `used_alone` leaves out
    those that no label is made of, as a traced graph does; the method must then run on shapes. Parameters are those
    an optimiser could train: frozen batch norms hold none. `clip_lengths` are those that means will be asked of, where
    a method looks ahead.

    Raises:
        UserError: an operator that is unknown to `bench.measure.count.operators`; a size below 1.
    """
    _check(size)
    parameters = sum(weight.numel() for weight in weights_of(method))
    if follows_the_clip(method):
        return _cost_in_clips(method, size, parameters, clip_lengths, used_alone=used_alone)
    frames = (count_used if used_alone else count_frames)(method, size)
    return Cost(parameters, total_macs(frames.key), total_macs(frames.non_key), frames.not_counted)


def _cost_in_clips(
    method: VideoSegmenter, size: tuple[int, int], parameters: int, clip_lengths: Collection[int], *, used_alone: bool
) -> Cost:
    try:
        clips = clip_macs(method, size, clip_lengths, used_alone=used_alone)
    except Exception:
        if used_alone:
            raise
        # As in `count_frames`: a method that does not run on shapes is run, or tells by that run what is wrong with it.
        frames = count_frames(method, size)
        key, non_key = total_macs(frames.key), total_macs(frames.non_key)
        return Cost(parameters, key, non_key, frames.not_counted, ClipMacs((key,), non_key))
    most = None
    if isinstance(method, DependsOnContent):
        last = record_clip(method.with_most_work(), size, 2, wanted={1}, goes_on=True)[1]
        most = total_macs(tallied(last.behind_labels if used_alone else last.calls))
    return Cost(parameters, (*clips.opening, clips.settled)[0], clips.settled, (), clips, most)


def _check(size: tuple[int, int]) -> None:
    if min(size) < 1:
        raise UserError(f"frame size is {size[0]}x{size[1]}; height and width must be 1 or more")
