"""Copying: non-key frames get the key frame's label map."""

from __future__ import annotations

from dataclasses import dataclass, field

from jaxtyping import Float, Shaped, UInt8
from torch import Tensor, nn

from baselines.scores import ScorePrediction, ScoreSegmentor
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.segmentor.semantic import MaskPrediction
from mpvss.video import check_same_size


@dataclass
class KeptPrediction:
    """A prediction whose label map is computed once."""

    prediction: MaskPrediction | ScorePrediction
    _labels: UInt8[Tensor, "h w"] | None = field(default=None, repr=False)

    def labels(self) -> UInt8[Tensor, "h w"]:
        """The key frame's label map."""
        if self._labels is None:
            self._labels = self.prediction.labels()
        return self._labels

    def scores(self) -> Float[Tensor, "c h w"]:
        """The key frame's scores."""
        return self.prediction.scores()


class CopyPrediction(nn.Module):
    """The key frame's prediction for every frame: the floor that every propagation must beat."""

    def __init__(self, *, segmentor: Mask2Former | ScoreSegmentor) -> None:
        """Take a built network.

        Args:
            segmentor: segments a frame from nothing.

        """
        super().__init__()
        self.segmentor = segmentor
        self.num_classes = segmentor.num_classes

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[KeptPrediction, KeptPrediction]:
        """The segmentor on a key frame."""
        kept = KeptPrediction(self.segmentor.predict(frame))
        return kept, kept

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: KeptPrediction) -> tuple[KeptPrediction, KeptPrediction]:
        """The key frame's prediction."""
        check_same_size(frame, state.prediction.size)
        return state, state
