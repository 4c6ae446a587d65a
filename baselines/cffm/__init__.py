"""CFFM-VSS (Sun et al., CVPR 2022), which mines features from three earlier frames."""

from baselines.cffm.network import CFFM
from baselines.cffm.presets import build_cffm

__all__ = ["CFFM", "build_cffm"]
