"""A segmentor on every frame."""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Shaped
from torch import Tensor, nn

from baselines.scores import ScorePrediction, ScoreSegmentor
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.segmentor.semantic import MaskPrediction


class PerFrame(nn.Module):
    """A segmentor on every frame: the accuracy to keep and the cost to cut."""

    key_frames: ClassVar[bool] = False

    def __init__(self, *, segmentor: Mask2Former | ScoreSegmentor) -> None:
        """Take a built network.

        Args:
            segmentor: segments a frame from nothing.

        """
        super().__init__()
        self.segmentor = segmentor
        self.num_classes = segmentor.num_classes

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[MaskPrediction | ScorePrediction, None]:
        """Segment one frame."""
        return self.segmentor.predict(frame), None

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: None) -> tuple[MaskPrediction | ScorePrediction, None]:
        """Segment one frame, as `segment` does."""
        return self.segment(frame)
