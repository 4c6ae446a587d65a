"""MPVSS with the shipped weights as it is, and with non-key frames that take longer: to try comparisons on.

The trials put them on the path of the two sides as a method of a user's own; see `bench.ab.trials`.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import thread_time
from typing import Any

from torch import Tensor

from bench.methods import build
from bench.methods.shipped import shipped_file
from mpvss.video import Prediction, VideoSegmenter

SLOWDOWN = 0.1
"""Share of its own work that a slowed non-key frame does in addition."""


@dataclass(frozen=True)
class SlowLabels:
    """A prediction whose label map comes late: by a share of the work since its frame was started.

    Work is the thread's CPU time, so that a busy machine does not make the share larger.
    """

    prediction: Prediction
    started: float
    share: float

    def labels(self) -> Tensor:
        """(H, W) class ids."""
        labels = self.prediction.labels()
        now = thread_time()
        until = now + self.share * (now - self.started)
        while thread_time() < until:
            pass
        return labels

    def scores(self) -> Tensor:
        """(C, H, W), not slowed."""
        return self.prediction.scores()


@dataclass
class Planted:
    """A method whose non-key frames do more work by a share of their own, to the label map; on one CPU thread."""

    method: VideoSegmenter
    share: float
    num_classes: int

    def segment(self, frame: Tensor) -> tuple[Prediction, Any]:
        """A key frame, as it is."""
        return self.method.segment(frame)

    def propagate(self, frame: Tensor, state: Any) -> tuple[Prediction, Any]:
        """A non-key frame, slowed."""
        started = thread_time()
        prediction, state = self.method.propagate(frame, state)
        return SlowLabels(prediction, started, self.share), state


def as_it_is(backbone: str, num_classes: int) -> VideoSegmenter:
    """MPVSS in the wrapper, not slowed."""
    return _planted(backbone, num_classes, 0.0)


def slowed(backbone: str, num_classes: int) -> VideoSegmenter:
    """MPVSS with slowed non-key frames."""
    return _planted(backbone, num_classes, SLOWDOWN)


def _planted(backbone: str, num_classes: int, share: float) -> Planted:
    weights = shipped_file("mpvss", backbone)
    return Planted(build("mpvss", backbone=backbone, num_classes=num_classes, weights=weights), share, num_classes)
