"""The sizes of CFFM-VSS."""

from __future__ import annotations

from baselines.cffm.network import CFFM
from baselines.clips.start import ClipStart
from baselines.segformer.presets import build_segformer, mit_row
from mpvss.errors import UserError
from mpvss.presets import Execution

LAYERS = {"mit-b0": 1, "mit-b1": 2, "mit-b2": 2, "mit-b5": 4, "mit-nano": 1, "mit-micro": 1}
"""Layers across frames, by backbone."""


def build_cffm(
    backbone: str, num_classes: int, execution: Execution = "lean", *, clip_start: ClipStart = "vspw"
) -> CFFM:
    """CFFM-VSS with the MiT called `backbone`, its weights freshly drawn. UserError names the known backbones."""
    if backbone not in LAYERS:
        raise UserError(f"CFFM-VSS has no backbone {backbone!r}; known are {', '.join(LAYERS)}")
    width = mit_row(backbone).video_decoder
    segmentor = build_segformer(backbone, num_classes, width=width, execution=execution)
    return CFFM(segmentor=segmentor, layers=LAYERS[backbone], execution=execution, clip_start=clip_start)
