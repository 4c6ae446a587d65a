"""Accel (Jain et al., CVPR 2019) with Mask2Former: a propagated strong result corrected by a fast one."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from baselines.flownets import FlowNetS
from baselines.optical_flow import KeyMasks
from mpvss.errors import UserError
from mpvss.propagation import warp_masks
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.segmentor.semantic import MaskPrediction
from mpvss.stages import stage
from mpvss.video import check_same_size


class ScoreFusion(nn.Module):
    """A learned 1x1 convolution of two score maps into one; it starts as their mean."""

    def __init__(self, num_classes: int) -> None:
        """Start as the mean.

        Args:
            num_classes: classes of both score maps.

        """
        super().__init__()
        halves = torch.eye(num_classes).repeat(1, 2) / 2
        self.conv = nn.Conv2d(2 * num_classes, num_classes, 1)
        with torch.no_grad():
            self.conv.weight.copy_(halves[..., None, None])
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    @stage("semantic inference")
    def forward(self, first: MaskPrediction, second: MaskPrediction) -> MaskPrediction:
        """The fused prediction.

        Scores are linear in the class weights, so the convolution acts on those and no score map is needed.
        """
        of_first, of_second = self.conv.weight.flatten(1).chunk(2, dim=1)
        return replace(
            first,
            class_weights=torch.cat((first.class_weights @ of_first.T, second.class_weights @ of_second.T)),
            mask_logits=torch.cat((first.mask_logits, second.mask_logits)),
            offset=self.conv.bias,
        )


class Accel(nn.Module):
    """Key frames: the large segmentor. Others: its masks warped by FlowNetS, fused with the small segmentor's."""

    def __init__(
        self, *, key_segmentor: Mask2Former, segmentor: Mask2Former, flow: FlowNetS, fusion: ScoreFusion
    ) -> None:
        """Join built networks.

        Args:
            key_segmentor: the large segmentor, for key frames.
            segmentor: the small segmentor, for non-key frames.
            flow: gives the backward flow from a frame to its key frame.
            fusion: fuses the scores of the two.

        Raises:
            UserError: the two segmentors have different classes.

        """
        super().__init__()
        if key_segmentor.num_classes != segmentor.num_classes:
            raise UserError(
                f"Accel's branches must share their classes; the key branch has {key_segmentor.num_classes} "
                f"and the other {segmentor.num_classes}"
            )
        self.key_segmentor = key_segmentor
        self.segmentor = segmentor
        self.flow = flow
        self.fusion = fusion
        self.num_classes = segmentor.num_classes

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[MaskPrediction, KeyMasks]:
        """The large segmentor on a key frame."""
        prediction = self.key_segmentor.predict(frame)
        return prediction, KeyMasks(frame, prediction)

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: KeyMasks) -> tuple[MaskPrediction, KeyMasks]:
        """The large segmentor's masks, warped to `frame`, fused with the small one's."""
        check_same_size(frame, state.prediction.size)
        masks = warp_masks(state.prediction.mask_logits, self.flow.flow(frame, state.frame))
        warped = replace(state.prediction, mask_logits=masks)
        return self.fusion(warped, self.segmentor.predict(frame)), state
