"""MPVSS: key frames are segmented, other frames get the key frame's masks, each warped by its own flow (Sec. 3.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from mpvss.layers import in_pieces
from mpvss.motion.module import MotionModule
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.segmentor.query_decoder import Segments
from mpvss.segmentor.semantic import MaskPrediction
from mpvss.stages import stage
from mpvss.video import check_same_size, frame_size
from mpvss.warp import WarpVariant, resize_flow, warp


@dataclass(frozen=True)
class KeyFrame:
    """What propagation needs of a key frame."""

    frame: Shaped[Tensor, "3 h w"]
    queries: Float[Tensor, "1 q d"]
    prediction: MaskPrediction
    unused_masks: tuple[Float[Tensor, "q mh mw"], ...] = ()
    """Masks of the earlier decoder layers, which the published graph warps as well."""


class MPVSS(nn.Module):
    """Mask propagation by query-based flow. A `VideoSegmenter`."""

    def __init__(self, *, segmentor: Mask2Former, motion: MotionModule, warp_variant: WarpVariant = "exact") -> None:
        super().__init__()
        self.segmentor = segmentor
        self.motion = motion
        self.warp_variant: WarpVariant = warp_variant
        self.num_classes = segmentor.num_classes

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[MaskPrediction, KeyFrame]:
        """Mask2Former on a key frame."""
        *earlier, segments = self._layers(frame)
        prediction = self.segmentor.prediction(segments, frame_size(frame))
        unused = tuple(layer.mask_logits[0] for layer in earlier)
        return prediction, KeyFrame(frame, segments.queries, prediction, unused)

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: KeyFrame) -> tuple[MaskPrediction, KeyFrame]:
        """Warp the key frame's masks to `frame`; the state stays as it is."""
        check_same_size(frame, state.prediction.size)
        flow = self.motion(frame[None], state.frame[None], state.queries)[0]
        for masks in state.unused_masks:
            warp_masks(masks, flow, self.warp_variant)
        masks = warp_masks(state.prediction.mask_logits, flow, self.warp_variant)
        return replace(state.prediction, mask_logits=masks), state

    def _layers(self, frame: Tensor) -> list[Segments]:
        maps = self.segmentor.features(frame)
        if self.segmentor.execution == "paper":
            return self.segmentor.decode_every_layer(maps)
        return [self.segmentor.decode(maps)]


@stage("warp")
def warp_masks(
    masks: Float[Tensor, "q h w"], flow: Float[Tensor, "n 2 fh fw"], variant: WarpVariant = "exact"
) -> Float[Tensor, "q h w"]:
    """Every mask warped by its own flow (n = q) or all by one (n = 1); the flow is first enlarged to the masks."""
    height, width = masks.shape[-2:]

    def move(masks: Float[Tensor, "1 k h w"], flow: Float[Tensor, "1 m 2 fh fw"]) -> Float[Tensor, "1 k h w"]:
        source = masks if flow.shape[1] == 1 else masks[0][:, None]
        return warp(source, resize_flow(flow[0], (height, width)), variant).view_as(masks)

    if flow.shape[0] == 1:
        return move(masks[None], flow[None])[0]
    return in_pieces(move, masks[None], flow[None], width=4 * height * width)[0]
