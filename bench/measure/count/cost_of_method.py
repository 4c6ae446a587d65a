"""A method's cost before it is run: parameters, and multiply-accumulates for each kind of frame."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch

from bench.evaluate.schedule import FixedInterval
from bench.measure.count.executed import total_macs
from bench.measure.count.frames import count_frames, count_used
from bench.measure.count.weights import weights_of
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

    def mean_macs(self, interval: int, clip_length: int = 15) -> float:
        """Multiply-accumulates per frame, averaged over a clip that starts with a key frame."""
        return self.mean_over(interval, [clip_length])

    def mean_over(self, interval: int, clip_lengths: Sequence[int]) -> float:
        """Multiply-accumulates per frame, averaged over all frames of clips of these lengths.

        Raises:
            UserError: there is no clip, or one without a frame.
        """
        if not clip_lengths:
            raise UserError("there are no clips; a mean needs one or more")
        keys, frames = sum(map(FixedInterval(interval).count_keys, clip_lengths)), sum(clip_lengths)
        return (keys * self.key_macs + (frames - keys) * self.non_key_macs) / frames

    def long_run_macs(self, interval: int) -> float:
        """Multiply-accumulates per frame of a video without end: one key frame in `interval` frames."""
        return self.mean_over(interval, [interval])


def method_cost(
    method: str,
    *,
    backbone: str,
    num_classes: int,
    size: tuple[int, int],
    key_backbone: str | None = None,
    execution: Execution = "lean",
) -> Cost:
    """The cost of a method by name at `size` (height, width).

    For the project's own methods no weight is computed or stored. Others are built as their package builds them.
    """
    _check(size)
    is_own = runs_on_shapes(method, backbone)
    with torch.device("meta") if is_own else nullcontext():
        built = build(
            method, backbone=backbone, key_backbone=key_backbone, num_classes=num_classes, execution=execution
        )
    return cost_of(built, size, used_alone=execution == "paper" and is_own)


def cost_of(method: VideoSegmenter, size: tuple[int, int], *, used_alone: bool = False) -> Cost:
    """The cost of any method at `size` (height, width); its weights are on the CPU, or on the "meta" device.

    Multiply-accumulates are those of the operators that run, from the frame to its label map. `used_alone` leaves out
    those that no label is made of, as a traced graph does; the method must then run on shapes. Parameters are those
    an optimiser could train: frozen batch norms hold none.

    Raises:
        UserError: an operator that is unknown to `bench.measure.count.operators`; a size below 1.
    """
    _check(size)
    parameters = sum(weight.numel() for weight in weights_of(method))
    frames = (count_used if used_alone else count_frames)(method, size)
    return Cost(parameters, total_macs(frames.key), total_macs(frames.non_key), frames.not_counted)


def _check(size: tuple[int, int]) -> None:
    if min(size) < 1:
        raise UserError(f"frame size is {size[0]}x{size[1]}; height and width must be 1 or more")
