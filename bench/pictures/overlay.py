"""A video with the predicted classes drawn over it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from bench.data import Clip, write_video
from bench.evaluate.schedule import FixedInterval
from bench.evaluate.video import run_video
from bench.runs.progress import Progress, Stage
from mpvss.video import VideoSegmenter

OPACITY = 0.55
"""Share of the class's colour in a pixel."""


def draw(image: np.ndarray, labels: np.ndarray, palette: np.ndarray, *, key: bool) -> np.ndarray:
    """The frame under the colours of its classes; a key frame carries a white square in its corner.

    Args:
        image: uint8 (3, H, W), RGB.
        labels: uint8 (H, W), class ids.
        palette: uint8 (C, 3), a colour for each class.
        key: whether it is a key frame.

    Returns:
        uint8 (H, W, 3).
    """
    picture = (1 - OPACITY) * image.transpose(1, 2, 0) + OPACITY * palette[labels]
    drawn = np.rint(picture).astype(np.uint8)
    if key:
        side = max(3, min(labels.shape) // 20)
        drawn[: side + 2, : side + 2] = 0
        drawn[1 : side + 1, 1 : side + 1] = 255
    return drawn


def write_overlay(
    clip: Clip,
    segmenter: VideoSegmenter,
    out: Path,
    *,
    palette: np.ndarray,
    fps: Fraction | float,
    schedule: FixedInterval,
    device: torch.device,
    progress: Progress,
) -> None:
    """Segment a clip and write the overlay as a video; one frame is in memory at a time."""
    with progress.stage(f"{clip.name} -> {out}", clip.num_frames, "frames") as stage:
        write_video(out, _drawn(clip, segmenter, palette, schedule, device, stage), fps)


def _drawn(
    clip: Clip,
    segmenter: VideoSegmenter,
    palette: np.ndarray,
    schedule: FixedInterval,
    device: torch.device,
    stage: Stage,
) -> Iterator[np.ndarray]:
    for frame, key, labels in run_video(segmenter, clip.frames(), schedule, device):
        yield draw(frame.image, labels, palette, key=key)
        stage.advance()
