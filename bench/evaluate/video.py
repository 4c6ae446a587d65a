"""One method over the frames of a video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from bench.data import Frame
from bench.evaluate.schedule import FixedInterval
from mpvss.video import VideoSegmenter


def as_tensor(image: np.ndarray, device: torch.device) -> Tensor:
    """A frame, (3, H, W), on the device."""
    return torch.tensor(image).to(device)


def run_video(
    segmenter: VideoSegmenter, frames: Iterable[Frame], schedule: FixedInterval, device: torch.device
) -> Iterator[tuple[Frame, bool, np.ndarray]]:
    """Each frame, True if it is a key frame, and its label map, uint8 (H, W) on the host."""
    state = None
    for index, frame in enumerate(frames):
        key = schedule.is_key(index)
        image = as_tensor(frame.image, device)
        with torch.inference_mode():
            prediction, state = segmenter.segment(image) if key else segmenter.propagate(image, state)
            labels = prediction.labels().cpu().numpy()
        yield frame, key, labels
