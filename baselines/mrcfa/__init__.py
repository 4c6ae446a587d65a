"""MRCFA (Sun et al., ECCV 2022), which mines relations among cross-frame affinities."""

from baselines.mrcfa.network import MRCFA
from baselines.mrcfa.presets import build_mrcfa

__all__ = ["MRCFA", "build_mrcfa"]
