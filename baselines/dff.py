"""Deep feature flow (Zhu et al., CVPR 2017) with Mask2Former: backbone maps are propagated, not predictions."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Shaped
from torch import Tensor, nn

from baselines.flownets import FlowNetS
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.segmentor.semantic import MaskPrediction
from mpvss.video import check_same_size, frame_size
from mpvss.warp import resize_flow, warp


@dataclass(frozen=True)
class KeyMaps:
    """A key frame and the backbone's maps of it."""

    frame: Shaped[Tensor, "3 h w"]
    maps: list[Tensor]


class DFF(nn.Module):
    """The backbone runs on key frames; FlowNetS warps its maps, which the two decoders take on every frame."""

    def __init__(self, *, segmentor: Mask2Former, flow: FlowNetS) -> None:
        """Join two built networks.

        Args:
            segmentor: segments key frames.
            flow: gives the backward flow from a frame to its key frame.

        """
        super().__init__()
        self.segmentor = segmentor
        self.flow = flow
        self.num_classes = segmentor.num_classes

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[MaskPrediction, KeyMaps]:
        """Mask2Former on a key frame."""
        maps = self.segmentor.features(frame)
        return self._predict(frame, maps), KeyMaps(frame, maps)

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: KeyMaps) -> tuple[MaskPrediction, KeyMaps]:
        """Warp the key frame's maps to `frame`, each by the flow brought to its size, and decode them."""
        check_same_size(frame, frame_size(state.frame))
        flow = self.flow.flow(frame, state.frame)
        warped = [warp(x, resize_flow(flow, (x.shape[2], x.shape[3]))) for x in state.maps]
        return self._predict(frame, warped), state

    def _predict(self, frame: Tensor, maps: list[Tensor]) -> MaskPrediction:
        return self.segmentor.prediction(self.segmentor.decode(maps), frame_size(frame))
