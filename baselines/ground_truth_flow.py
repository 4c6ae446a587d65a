"""The key frame's masks, all warped by the ground-truth flow: the ceiling of any method with one flow."""

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
    """A key frame's prediction, and the ground-truth flow to it from the next frame, in pixels."""

    prediction: MaskPrediction
    flow: Float[Tensor, "2 h w"] | None = None


class GroundTruthFlow(nn.Module):
    """The optical-flow baseline with the truth in the place of FlowNetS.

    A ceiling, not a method for use: before each `propagate`, `take_ground_truth_flow` must put the flow into the state.
    """

    def __init__(self, *, segmentor: Mask2Former) -> None:
        """Take a built network.

        Args:
            segmentor: segments a frame from nothing.

        """
        super().__init__()
        self.segmentor = segmentor
        self.num_classes = segmentor.num_classes

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[MaskPrediction, KeyMasksAndFlow]:
        """Mask2Former on a key frame."""
        prediction = self.segmentor.predict(frame)
        return prediction, KeyMasksAndFlow(prediction)

    def take_ground_truth_flow(self, state: KeyMasksAndFlow, flow: Float[Tensor, "2 h w"]) -> KeyMasksAndFlow:
        """The state, with the backward flow from the next frame to the key frame."""
        return replace(state, flow=flow)

    def propagate(
        self, frame: Shaped[Tensor, "3 h w"], state: KeyMasksAndFlow
    ) -> tuple[MaskPrediction, KeyMasksAndFlow]:
        """Warp the key frame's masks to `frame`; UserError where the flow was not taken."""
        key = state.prediction
        check_same_size(frame, key.size)
        if state.flow is None:
            raise UserError(
                "ground-truth-flow must be told the ground-truth flow, which a sweep over synthetic clips does"
            )
        (height, width), grid = key.size, key.mask_logits.shape[1:]
        padding = (0, grid[1] * key.stride - width, 0, grid[0] * key.stride - height)
        flow = F.pad(state.flow[None], padding, mode="replicate")
        return replace(key, mask_logits=warp_masks(key.mask_logits, flow)), KeyMasksAndFlow(key)
