"""SegFormer (Xie et al., NeurIPS 2021), an efficient network for single images."""

from baselines.segformer.network import SegFormer
from baselines.segformer.presets import build_segformer

__all__ = ["SegFormer", "build_segformer"]
