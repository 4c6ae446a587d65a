"""The published graph, for its operation count: it predicts masks after every decoder layer and warps them all.

Only the last layer's are used, so labels are those of the lean graph.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Shaped
from torch import Tensor

from mpvss.propagation import MPVSS, KeyFrame, warp_masks
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.segmentor.query_decoder import Segments
from mpvss.segmentor.semantic import MaskPrediction
from mpvss.sharing import shareable
from mpvss.video import frame_size


class PublishedMask2Former(Mask2Former):
    """Mask2Former that computes the masks of every decoder layer at full size."""

    @shareable
    def decode(self, maps: list[Tensor]) -> Segments:
        return self.decode_every_layer(maps)[-1]


@dataclass(frozen=True)
class PublishedKeyFrame(KeyFrame):
    """A key frame with the masks that nothing uses."""

    earlier_masks: tuple[Float[Tensor, "q mh mw"], ...]
    """Mask logits before the first decoder layer and after each but the last."""


class PublishedMPVSS(MPVSS):
    """MPVSS that warps the masks of every decoder layer."""

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[MaskPrediction, PublishedKeyFrame]:
        *earlier, segments = self.segmentor.decode_every_layer(self.segmentor.features(frame))
        prediction = self.segmentor.prediction(segments, frame_size(frame))
        masks = tuple(layer.mask_logits[0] for layer in earlier)
        return prediction, PublishedKeyFrame(frame, segments.queries, prediction, masks)

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: KeyFrame) -> tuple[MaskPrediction, PublishedKeyFrame]:
        assert isinstance(state, PublishedKeyFrame), "the state is one that this method gave"
        flow = self._flow(frame, state)
        for masks in state.earlier_masks:
            warp_masks(masks, flow, self.warp_variant)
        return self._warped(state.prediction, flow), state
