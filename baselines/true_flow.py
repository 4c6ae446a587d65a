"""The key frame's masks, all warped by the true flow: the ceiling of any method with one flow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from mpvss.errors import UserError
from mpvss.propagation import warp_masks
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.segmentor.semantic import MaskPrediction
from mpvss.video import check_same_size


@dataclass(frozen=True)
class KeyMasksAndFlow:
    """What was predicted of a key frame, and the true flow from the next frame to it, in pixels of the frame."""

    prediction: MaskPrediction
    flow: Float[Tensor, "2 h w"] | None = None


class TrueFlow(nn.Module):
    """The optical-flow baseline with the truth in the place of FlowNetS.

    No method for use: before each `propagate`, `take_true_flow` must put into the state what a video does not tell.
    """

    def __init__(self, *, segmentor: Mask2Former) -> None:
        super().__init__()
        self.segmentor = segmentor
        self.num_classes = segmentor.num_classes

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[MaskPrediction, KeyMasksAndFlow]:
        """Mask2Former on a key frame."""
        prediction = self.segmentor.predict(frame)
        return prediction, KeyMasksAndFlow(prediction)

    def take_true_flow(self, state: KeyMasksAndFlow, flow: Float[Tensor, "2 h w"]) -> KeyMasksAndFlow:
        """The state, with the backward flow from the next frame to the key frame."""
        return replace(state, flow=flow)

    def propagate(
        self, frame: Shaped[Tensor, "3 h w"], state: KeyMasksAndFlow
    ) -> tuple[MaskPrediction, KeyMasksAndFlow]:
        """Warp the key frame's masks to `frame`; UserError where the flow was not taken."""
        key = state.prediction
        check_same_size(frame, key.size)
        if state.flow is None:
            raise UserError("true-flow must be told the true flow, which a sweep over synthetic clips does")
        (height, width), grid = key.size, key.mask_logits.shape[1:]
        padding = (0, grid[1] * key.stride - width, 0, grid[0] * key.stride - height)
        flow = F.pad(state.flow[None], padding, mode="replicate")
        return replace(key, mask_logits=warp_masks(key.mask_logits, flow)), KeyMasksAndFlow(key)
