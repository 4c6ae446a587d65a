"""How long a frame takes, on its own: batch 1, nothing shared, nothing else running in the process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from time import perf_counter
from typing import Literal

import torch
from torch import Tensor

from bench.schedule import FixedInterval
from mpvss.video import VideoSegmenter

CLIP_LENGTH = 15
"""Frames of the clip that costs are averaged over (the paper's: for interval 5, key frames at 0, 5, 10)."""

Kind = Literal["key", "other"]
Scope = Literal["labels", "model"]


@dataclass(frozen=True)
class Sample:
    """One frame's time in seconds.

    `labels` runs from the frame on the device to the label map on the host; `model` to the label map on the
    device, with the device's work finished. On the CPU the two are one, and `model` is None.
    """

    repeat: int
    frame: int
    kind: Kind
    labels: float
    model: float | None


@dataclass(frozen=True)
class Timing:
    """Every sample of one method, and apart from them those of the warm-up, which count for nothing."""

    samples: tuple[Sample, ...]
    warmup: tuple[Sample, ...]

    def seconds(self, kind: Kind, scope: Scope = "labels") -> list[float]:
        """The times of one kind of frame; none in scope `model` on the CPU."""
        times = (getattr(sample, scope) for sample in self.samples if sample.kind == kind)
        return [time for time in times if time is not None]

    def fps(self, interval: int, scope: Scope = "labels") -> float | None:
        """Frames a second over a 15-frame clip, from the mean time of each kind; None if one is missing."""
        keys = FixedInterval(interval).count_keys(CLIP_LENGTH)
        total = 0.0
        counts: dict[Kind, int] = {"key": keys, "other": CLIP_LENGTH - keys}
        for kind, count in counts.items():
            if count:
                times = self.seconds(kind, scope)
                if not times:
                    return None
                total += count * fmean(times)
        return CLIP_LENGTH / total

    def median_seconds(self, kind: Kind) -> float | None:
        """The median `labels` time of one kind of frame; None where none was measured."""
        times = self.seconds(kind)
        return median(times) if times else None


def time_clip(
    segmenter: VideoSegmenter, frames: Sequence[Tensor], *, interval: int, repeats: int = 3, warmup: int = 3
) -> Timing:
    """Time `segmenter` over a clip, `repeats` times from its first frame on.

    Args:
        segmenter: the method; its networks are on the frames' device.
        frames: (3, H, W) each, on the device.
        interval: the key-frame interval of the passes; the times of each kind serve any interval.
        repeats: passes over the clip, at least 1.
        warmup: frames of the clip run before the first pass; their samples have repeat -1.
    """
    if repeats < 1:
        raise ValueError(f"repeats is {repeats}; it must be 1 or more")
    if not frames:
        raise ValueError("there is no frame to time")
    schedule = FixedInterval(interval)
    warm = _pass(segmenter, frames[:warmup], schedule, -1)
    samples = [sample for repeat in range(repeats) for sample in _pass(segmenter, frames, schedule, repeat)]
    return Timing(tuple(samples), tuple(warm))


def _pass(segmenter: VideoSegmenter, frames: Sequence[Tensor], schedule: FixedInterval, repeat: int) -> list[Sample]:
    samples = []
    state = None
    with torch.inference_mode():
        for index, frame in enumerate(frames):
            on_gpu = frame.is_cuda
            key = schedule.is_key(index)
            if on_gpu:
                torch.cuda.synchronize(frame.device)
            start = perf_counter()
            prediction, state = segmenter.segment(frame) if key else segmenter.propagate(frame, state)
            labels = prediction.labels()
            if on_gpu:
                torch.cuda.synchronize(frame.device)
            on_device = perf_counter()
            labels.cpu()
            on_host = perf_counter()
            samples.append(
                Sample(
                    repeat=repeat,
                    frame=index,
                    kind="key" if key else "other",
                    labels=on_host - start,
                    model=on_device - start if on_gpu else None,
                )
            )
    return samples
