"""CFFM-VSS: coarse-to-fine feature mining across frames (Sun et al., CVPR 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from baselines.cffm.layer import CoarseToFineLayer
from baselines.cffm.names import CFFM_FORMAT
from baselines.clips.network import ClipNetwork, FrameFeatures
from baselines.clips.start import ClipStart
from baselines.segformer.head import upsample
from baselines.segformer.network import SegFormer
from mpvss.checkpoints.formats import CheckpointFormat
from mpvss.layers import map_size
from mpvss.presets import Execution
from mpvss.stages import stage

STAGE = "cross-frame attention"
HEADS = 8


class CFFM(ClipNetwork[Tensor]):
    """SegFormer on each frame, then layers in which the target attends to summaries of its three references.

    Frames of any size that SegFormer takes; they are neither resized nor padded. (The published program resizes
    VSPW's frames until both sides are multiples of 32.)
    """

    checkpoint_format: ClassVar[CheckpointFormat] = CFFM_FORMAT

    def __init__(
        self, *, segmentor: SegFormer, layers: int, execution: Execution = "lean", clip_start: ClipStart = "vspw"
    ) -> None:
        super().__init__(segmentor=segmentor, execution=execution, clip_start=clip_start)
        width = segmentor.head.classify.in_channels
        self.layers = nn.ModuleList(CoarseToFineLayer(width, HEADS, lean=execution == "lean") for _ in range(layers))
        self.classify = nn.Conv2d(2 * width, self.num_classes, 1)
        nn.init.normal_(self.classify.weight, std=0.01)
        nn.init.zeros_(self.classify.bias)  # type: ignore[arg-type]

    @stage(STAGE)
    def reference(self, features: FrameFeatures) -> Float[Tensor, "b h w d"]:
        """The decoder's map at 1/8, channels last."""
        height, width = map_size(features.fused)
        return upsample(features.fused, (height // 2, width // 2)).permute(0, 2, 3, 1).contiguous()

    def combine(
        self, target: FrameFeatures, references: Sequence[Float[Tensor, "b h w d"]]
    ) -> Float[Tensor, "b c sh sw"]:
        """Class scores of the target at 1/4."""
        before = self.reference(target)
        return self._scores_of(before, self.attend(before, references), map_size(target.fused))

    @stage(STAGE)
    def attend(
        self, target: Float[Tensor, "b h w d"], references: Sequence[Float[Tensor, "b h w d"]]
    ) -> Float[Tensor, "b h w d"]:
        """The target's map at 1/8 after all layers; every layer sees the references as they came."""
        for layer in self.layers:
            target = layer(target, references)
        return target

    @stage("decoder")
    def _scores_of(self, before: Tensor, after: Tensor, size: tuple[int, int]) -> Float[Tensor, "b c h w"]:
        """Scores at 1/4, from the target's map before and after the layers."""
        both = torch.cat((before, after), dim=3).permute(0, 3, 1, 2)
        return upsample(self.classify(self.segmentor.head.dropout(both)), size)
