"""MPVSS: non-key frames get their key frame's masks, each warped by its own flow (Sec. 3.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from mpvss.layers import in_pieces
from mpvss.motion.module import MotionModule
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.segmentor.semantic import MaskPrediction
from mpvss.stages import stage
from mpvss.video import check_same_size, frame_size
from mpvss.warp import WarpVariant, resize_flow, warp


@dataclass(frozen=True)
class KeyFrame:
    """The part of a key frame that propagation needs."""

    frame: Shaped[Tensor, "3 h w"]
    """RGB, 0..255."""
    queries: Float[Tensor, "1 q d"]
    """The last decoder layer's, after the decoder norm."""
    prediction: MaskPrediction


class MPVSS(nn.Module):
    """Mask propagation by query-based flow. A `VideoSegmenter`."""

    def __init__(self, *, segmentor: Mask2Former, motion: MotionModule, warp_variant: WarpVariant = "exact") -> None:
        """Join two built networks.

        Args:
            segmentor: segments key frames.
            motion: its decoder has as many queries as the segmentor's, of the same width.
            warp_variant: the warp that the weights were trained with, see `mpvss.warp.warp`.

        """
        super().__init__()
        self.segmentor = segmentor
        self.motion = motion
        self.warp_variant: WarpVariant = warp_variant
        self.num_classes = segmentor.num_classes

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[MaskPrediction, KeyFrame]:
        """Mask2Former on a key frame."""
        segments = self.segmentor(frame)
        prediction = self.segmentor.prediction(segments, frame_size(frame))
        return prediction, KeyFrame(frame, segments.queries, prediction)

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: KeyFrame) -> tuple[MaskPrediction, KeyFrame]:
        """Warp the key frame's masks to `frame`; the state stays as it is."""
        return self._warped(state.prediction, self._flow(frame, state)), state

    def _flow(self, frame: Tensor, state: KeyFrame) -> Float[Tensor, "n 2 fh fw"]:
        check_same_size(frame, state.prediction.size)
        return self.motion(frame[None], state.frame[None], state.queries)[0]

    def _warped(self, prediction: MaskPrediction, flow: Tensor) -> MaskPrediction:
        return replace(prediction, mask_logits=warp_masks(prediction.mask_logits, flow, self.warp_variant))


@stage("warp")
def warp_masks(
    masks: Float[Tensor, "q h w"], flow: Float[Tensor, "n 2 fh fw"], variant: WarpVariant = "exact"
) -> Float[Tensor, "q h w"]:
    """Every mask warped by its own flow (n = q) or all by one (n = 1); the flow is first upsampled to the masks."""
    height, width = masks.shape[-2:]

    def move(masks: Float[Tensor, "1 k h w"], flow: Float[Tensor, "1 m 2 fh fw"]) -> Float[Tensor, "1 k h w"]:
        source = masks if flow.shape[1] == 1 else masks[0][:, None]
        return warp(source, resize_flow(flow[0], (height, width)), variant).view_as(masks)

    if flow.shape[0] == 1:
        return move(masks[None], flow[None])[0]
    return in_pieces(move, masks[None], flow[None], width=4 * height * width)[0]
