"""MRCFA: mining relations among cross-frame affinities (Sun et al., ECCV 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor, nn

from baselines.clips.network import ClipNetwork, FrameFeatures
from baselines.clips.start import REFERENCES, ClipStart
from baselines.mrcfa.affinity import CrossFrameAffinity, ReferenceTokens
from baselines.mrcfa.names import MRCFA_FORMAT
from baselines.segformer.head import upsample
from baselines.segformer.network import SegFormer
from mpvss.checkpoints.formats import CheckpointFormat
from mpvss.errors import UserError
from mpvss.layers import map_size, to_map, to_tokens
from mpvss.presets import Execution
from mpvss.stages import stage

STAGE = "cross-frame attention"
PADDING = 32
"""Frames are padded to multiples of this: the scales of the affinities must fit each other."""
ReferenceStride = Literal[32, 16]
"""Pixels of the frame on a side of a reference token."""


class MRCFA(ClipNetwork[ReferenceTokens]):
    """SegFormer on each frame; reference values are averaged by affinities that convolutions have refined.

    Frames are zero-padded at the bottom and right, after normalisation, to multiples of 32, and the scores cropped.
    (The published program takes only such sizes, and resizes VSPW's frames until they are.)
    """

    checkpoint_format: ClassVar[CheckpointFormat] = MRCFA_FORMAT

    def __init__(
        self,
        *,
        segmentor: SegFormer,
        kept: float,
        deep: bool,
        reference_stride: ReferenceStride = 32,
        execution: Execution = "lean",
        clip_start: ClipStart = "vspw",
    ) -> None:
        """`kept` and `deep` as `CrossFrameAffinity` and `AffinityRefiner` have them."""
        super().__init__(segmentor=segmentor, execution=execution, clip_start=clip_start)
        if reference_stride not in (32, 16):
            raise UserError(f"reference_stride is {reference_stride}; it must be 32 or 16")
        if segmentor.padding % PADDING:
            raise UserError(f"the segmentor pads frames to multiples of {segmentor.padding}; MRCFA needs {PADDING}")
        width = segmentor.head.classify.in_channels
        channels = segmentor.backbone.out_channels[1:]
        self.reduce = nn.ModuleList(
            _reduction(count, reference_stride // stride) for count, stride in zip(channels[:2], (8, 16), strict=True)
        )
        self.value = _reduction(width, reference_stride // 8)
        self.affinity = CrossFrameAffinity(channels, kept=kept, deep=deep)
        self.classify_each = nn.ModuleList(nn.Conv2d(width, self.num_classes, 1) for _ in range(REFERENCES))
        self.classify = nn.Conv2d(width, self.num_classes, 1)
        for layer in (*self.classify_each, self.classify):
            nn.init.normal_(layer.weight, std=0.01)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    @stage(STAGE)
    def reference(self, features: FrameFeatures) -> ReferenceTokens:
        """The keys and values of a frame."""
        _, fine, middle, coarse = features.maps
        fine, middle = (reduce(level) for reduce, level in zip(self.reduce, (fine, middle), strict=True))
        values = self.value(self._at_eighth(features))
        fine_keys, middle_keys, coarse_keys = self.affinity.keys((fine, middle, coarse))
        return ReferenceTokens(
            (fine_keys, middle_keys, coarse_keys), to_tokens(values), map_size(values), map_size(coarse)
        )

    def combine(self, target: FrameFeatures, references: Sequence[ReferenceTokens]) -> Float[Tensor, "b c h w"]:
        """Class scores of the target at 1/4."""
        own, aggregates = self.aggregate(target, references)
        return self._scores_of(own, aggregates, map_size(target.fused))

    def combine_all(
        self, target: FrameFeatures, references: Sequence[ReferenceTokens]
    ) -> tuple[Float[Tensor, "b c h w"], tuple[Tensor, ...]]:
        """The same, and the scores from each reference alone, which serve training."""
        own, aggregates = self.aggregate(target, references)
        size = map_size(target.fused)
        return self._scores_of(own, aggregates, size), self._scores_of_each(aggregates, size)

    @stage(STAGE)
    def aggregate(
        self, target: FrameFeatures, references: Sequence[ReferenceTokens]
    ) -> tuple[Float[Tensor, "b d h w"], list[Float[Tensor, "b d h w"]]]:
        """The target's map at 1/8, and one like it of each reference's values."""
        own = self._at_eighth(target)
        if self.execution == "paper":
            self.value(own)  # the published graph makes the target's values too, and does not use them
        queries = self.affinity.queries(target.maps[1:])
        aggregates = []
        for reference in references:
            shares, selected = self.affinity(queries, reference)
            values = reference.values.take_along_dim(selected[..., None], dim=1)
            aggregates.append(to_map(shares.transpose(1, 2) @ values, map_size(own)))
        return own, aggregates

    def _at_eighth(self, features: FrameFeatures) -> Float[Tensor, "b d h w"]:
        """The decoder's map at 1/8."""
        height, width = map_size(features.fused)
        return upsample(features.fused, (height // 2, width // 2))

    @stage("decoder")
    def _scores_of(self, own: Tensor, aggregates: list[Tensor], size: tuple[int, int]) -> Float[Tensor, "b c h w"]:
        mean = sum(aggregates[1:], aggregates[0]) / len(aggregates)
        return upsample(self.classify(self.segmentor.head.dropout(mean + own)), size)

    @stage("decoder")
    def _scores_of_each(self, aggregates: list[Tensor], size: tuple[int, int]) -> tuple[Float[Tensor, "b c h w"], ...]:
        drop = self.segmentor.head.dropout
        return tuple(
            upsample(classify(drop(x)), size) for classify, x in zip(self.classify_each, aggregates, strict=True)
        )


def _reduction(channels: int, factor: int) -> nn.Conv2d:
    """A convolution to a grid that is `factor` times coarser."""
    return nn.Conv2d(channels, channels, factor, stride=factor)
