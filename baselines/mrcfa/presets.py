"""The sizes of MRCFA."""

from __future__ import annotations

from dataclasses import dataclass

from baselines.clips.start import ClipStart
from baselines.mrcfa.network import MRCFA, PADDING, ReferenceStride
from baselines.segformer.presets import build_segformer, mit_row
from mpvss.errors import UserError
from mpvss.presets import Execution


@dataclass(frozen=True)
class Refinement:
    """What MRCFA does with affinities, by backbone."""

    kept: float
    """The share of reference tokens that are selected."""
    deep: bool = False
    """Whether two convolutions refine where others have one."""


REFINEMENTS = {
    "mit-b0": Refinement(kept=0.8),
    "mit-b1": Refinement(kept=0.5, deep=True),
    "mit-b2": Refinement(kept=0.5),
    "mit-b5": Refinement(kept=0.5),
    "mit-nano": Refinement(kept=0.8),
    "mit-micro": Refinement(kept=0.8),
}


def build_mrcfa(
    backbone: str,
    num_classes: int,
    reference_stride: ReferenceStride = 32,
    execution: Execution = "lean",
    *,
    clip_start: ClipStart = "vspw",
) -> MRCFA:
    """MRCFA with the MiT called `backbone`, its weights freshly drawn. UserError names the known backbones.

    `reference_stride` 32 is the published program; 16 has the parameter counts that are published for Cityscapes.
    """
    if backbone not in REFINEMENTS:
        raise UserError(f"MRCFA has no backbone {backbone!r}; known are {', '.join(REFINEMENTS)}")
    width = mit_row(backbone).video_decoder
    row = REFINEMENTS[backbone]
    return MRCFA(
        segmentor=build_segformer(backbone, num_classes, width=width, execution=execution, padding=PADDING),
        kept=row.kept,
        deep=row.deep,
        reference_stride=reference_stride,
        execution=execution,
        clip_start=clip_start,
    )
