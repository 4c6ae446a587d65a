"""Class scores of the key frame, warped by one optical flow."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jaxtyping import Shaped
from torch import Tensor, nn

from baselines.flow_network import FlowNetwork
from baselines.scores import ScorePrediction, ScoreSegmentor
from mpvss.motion.encoder import PADDING
from mpvss.propagation import warp_masks
from mpvss.video import check_same_size
from mpvss.warp import resize_flow


@dataclass(frozen=True)
class KeyScores:
    """A key frame and the scores of it."""

    frame: Shaped[Tensor, "3 h w"]
    prediction: ScorePrediction


class ScoreFlow(nn.Module):
    """The optical-flow baseline over a segmentor that has no masks: the key frame's scores are warped."""

    def __init__(self, *, segmentor: ScoreSegmentor, flow: FlowNetwork) -> None:
        """Join two built networks.

        Args:
            segmentor: segments key frames.
            flow: gives the backward flow from a frame to its key frame.

        """
        super().__init__()
        self.segmentor = segmentor
        self.flow = flow
        self.num_classes = segmentor.num_classes

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[ScorePrediction, KeyScores]:
        """The segmentor on a key frame."""
        prediction = self.segmentor.predict(frame)
        return prediction, KeyScores(frame, prediction)

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: KeyScores) -> tuple[ScorePrediction, KeyScores]:
        """Warp the key frame's scores to `frame`."""
        height, width = state.prediction.size
        check_same_size(frame, (height, width))
        flow = self.flow.flow(frame, state.frame)
        # The flow's grid covers the padded frame, that of the scores the frame.
        flow = resize_flow(flow, (height + -height % PADDING, width + -width % PADDING))[..., :height, :width]
        return replace(state.prediction, coarse=warp_masks(state.prediction.coarse, flow)), state
