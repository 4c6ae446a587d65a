"""The key frame's masks, all warped by one optical flow."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jaxtyping import Shaped
from torch import Tensor, nn

from baselines.flow_network import FlowNetwork
from mpvss.propagation import warp_masks
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.segmentor.semantic import MaskPrediction
from mpvss.video import check_same_size


@dataclass(frozen=True)
class KeyMasks:
    """A key frame and what was predicted of it."""

    frame: Shaped[Tensor, "3 h w"]
    prediction: MaskPrediction


class OpticalFlow(nn.Module):
    """MPVSS with one optical flow, in the paper FlowNetS's, in the place of its motion module (Sec. 4.1)."""

    def __init__(self, *, segmentor: Mask2Former, flow: FlowNetwork) -> None:
        """Join two built networks.

        Args:
            segmentor: segments key frames.
            flow: gives the backward flow from a frame to its key frame.

        """
        super().__init__()
        self.segmentor = segmentor
        self.flow = flow
        self.num_classes = segmentor.num_classes

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[MaskPrediction, KeyMasks]:
        """Mask2Former on a key frame."""
        prediction = self.segmentor.predict(frame)
        return prediction, KeyMasks(frame, prediction)

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: KeyMasks) -> tuple[MaskPrediction, KeyMasks]:
        """Warp the key frame's masks to `frame`."""
        check_same_size(frame, state.prediction.size)
        masks = warp_masks(state.prediction.mask_logits, self.flow.flow(frame, state.frame))
        return replace(state.prediction, mask_logits=masks), state
