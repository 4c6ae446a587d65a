"""A segmentor on every frame."""

from __future__ import annotations

from typing import ClassVar

from jaxtyping import Shaped
from torch import Tensor, nn

from baselines.scores import ScorePrediction, ScoreSegmentor
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.segmentor.semantic import MaskPrediction


class PerFrame(nn.Module):
    """The accuracy to keep and the cost to cut: nothing passes between frames."""

    key_frames: ClassVar[bool] = False

    def __init__(self, *, segmentor: Mask2Former | ScoreSegmentor) -> None:
        super().__init__()
        self.segmentor = segmentor
        self.num_classes = segmentor.num_classes

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[MaskPrediction | ScorePrediction, None]:
        """Segment one frame."""
        return self.segmentor.predict(frame), None

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: None) -> tuple[MaskPrediction | ScorePrediction, None]:
        """The same as `segment`."""
        return self.segment(frame)
