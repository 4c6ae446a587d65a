"""DFF as first published: the key frame's features, warped to each frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from baselines.original.deeplab import DeepLab, as_prediction, build_deeplab
from baselines.original.flow import StrideSixteenFlow
from baselines.original.sizes import PUBLISHED, SMALL
from baselines.original.warp import zero_padded_warp
from baselines.scores import ScorePrediction
from mpvss.checkpoints.formats import CheckpointFormat, only_ours
from mpvss.video import check_same_size, frame_size


@dataclass(frozen=True)
class Propagated:
    """A frame, centred and padded, and the features that are propagated from it."""

    centred: Float[Tensor, "1 3 ph pw"]
    features: Float[Tensor, "1 c h16 w16"]
    size: tuple[int, int]
    """Height and width of the frame."""


class OriginalDFF(nn.Module):
    """DeepLab on key frames; on others its head alone, on the key frame's warped features."""

    checkpoint_format: ClassVar[CheckpointFormat] = only_ours("DFF")

    def __init__(self, *, segmentor: DeepLab, flow: StrideSixteenFlow) -> None:
        super().__init__()
        self.segmentor = segmentor
        self.flow = flow
        self.num_classes = segmentor.num_classes

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[ScorePrediction, Propagated]:
        """DeepLab on a key frame."""
        return segment_key_frame(self.segmentor, frame)

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: Propagated) -> tuple[ScorePrediction, Propagated]:
        """Warp the key frame's features to `frame`."""
        check_same_size(frame, state.size)
        flow = self.flow(self.segmentor.centre(frame), state.centred)
        scores = self.segmentor.classify(zero_padded_warp(state.features, flow))
        return as_prediction(scores, state.size), state


def segment_key_frame(segmentor: DeepLab, frame: Shaped[Tensor, "3 h w"]) -> tuple[ScorePrediction, Propagated]:
    """DeepLab's prediction of a frame, and what propagation from it needs."""
    size = frame_size(frame)
    centred = segmentor.centre(frame)
    features = segmentor.features(centred)
    return as_prediction(segmentor.classify(features), size), Propagated(centred, features, size)


def build_original_dff(num_classes: int, depth: int = 101, *, small: bool = False) -> OriginalDFF:
    """DFF on DeepLab of ResNet-50 or -101, randomly initialised; the `small` one has the small family's width."""
    size = SMALL if small else PUBLISHED
    return OriginalDFF(segmentor=build_deeplab(depth, num_classes, width=size.width), flow=size.flow())
