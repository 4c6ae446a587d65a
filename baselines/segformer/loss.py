"""The cross-entropy that SegFormer, CFFM-VSS and MRCFA are trained with."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from baselines.segformer.head import upsample
from mpvss.labels import IGNORE
from mpvss.layers import map_size


def pixel_cross_entropy(scores: Float[Tensor, "b c sh sw"], labels: UInt8[Tensor, "b h w"]) -> Float[Tensor, ""]:
    """Cross-entropy of scores (logits), upsampled to the labels: the sum over labelled pixels over ALL pixels.

    The published programs divide by ignored pixels too, so a batch with many of them weighs less.
    """
    full = upsample(scores, map_size(labels)).float()
    return F.cross_entropy(full, labels.long(), ignore_index=IGNORE, reduction="sum") / labels.numel()
