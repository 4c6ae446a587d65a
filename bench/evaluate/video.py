"""One method over the frames of a video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from bench.data import Frame
from bench.evaluate.schedule import FixedInterval
from bench.evaluate.turns import is_segmented, propagate, segment, with_coming
from mpvss.video import VideoSegmenter, lookahead_of, uses_key_frames


def as_tensor(image: np.ndarray, device: torch.device) -> Tensor:
    """A frame, (3, H, W), on the device."""
    return torch.tensor(image).to(device)


def run_video(
    segmenter: VideoSegmenter, frames: Iterable[Frame], schedule: FixedInterval, device: torch.device
) -> Iterator[tuple[Frame, bool, np.ndarray]]:
    """Each frame, True if it is a key frame, and its label map, uint8 (H, W) on the host.

    A method without key frames has none. Frames that a method looks ahead at are read before their turn.
    """
    state = None
    has_keys = uses_key_frames(segmenter)
    images = ((frame, as_tensor(frame.image, device)) for frame in frames)
    for index, ((frame, image), coming) in enumerate(with_coming(images, lookahead_of(segmenter))):
        ahead = [later for _, later in coming]
        with torch.inference_mode():
            if is_segmented(segmenter, schedule, index):
                prediction, state = segment(segmenter, image, ahead)
            else:
                prediction, state = propagate(segmenter, image, state, ahead)
            labels = prediction.labels().cpu().numpy()
        yield frame, has_keys and schedule.is_key(index), labels
