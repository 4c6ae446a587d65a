"""The flow between successive frames of a clip, by which temporal consistency warps predictions."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from baselines.dis import DIS, LEAST_SIDE
from bench.data import Clip
from bench.metrics import flow_sources
from mpvss.errors import UserError
from mpvss.video import frame_size

GROUND_TRUTH, DENSE_SEARCH = "ground truth", "DIS"


class FrameFlow:
    """Where the pixels of each frame of a clip were in the frame before.

    `source` says whose flow it is: the clip's own, or DIS where it has none; None without OpenCV, which DIS needs.
    """

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._search = DIS() if clip.flow is None and _has_opencv() else None
        self.source = DENSE_SEARCH if self._search else None if clip.flow is None else GROUND_TRUTH
        self._previous: Tensor | None = None
        self._index = 0

    def step(self, frame: Tensor) -> np.ndarray | None:
        """`flow_sources` from the clip's next frame, (3, H, W), to the one before; None of the first, or unknown."""
        index, previous = self._index, self._previous
        self._index, self._previous = index + 1, frame
        if previous is None:
            return None
        if self._clip.flow is not None:
            return flow_sources(self._clip.flow(index, index - 1)[0])
        height, width = frame_size(frame)
        if self._search is None or min(height, width) < LEAST_SIDE:
            return None
        flow = self._search.flow(frame, previous)[0, :, :height, :width]
        return flow_sources(flow.cpu().numpy())


def _has_opencv() -> bool:
    try:
        DIS()
    except UserError:
        return False
    return True
