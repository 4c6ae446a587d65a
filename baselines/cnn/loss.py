"""The loss of the image networks, and of the video methods on them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from baselines.cnn.layers import resize
from mpvss.labels import IGNORE
from mpvss.layers import map_size

AUXILIARY_WEIGHT = 0.4
"""Weight of the auxiliary or coarse head's loss."""


def cross_entropy(scores: Float[Tensor, "b k _ _"], labels: UInt8[Tensor, "b h w"]) -> Float[Tensor, ""]:
    """The mean cross-entropy of upsampled scores over the pixels that are not ignored, in float32; 0 without any."""
    with torch.autocast(labels.device.type, enabled=False):
        upsampled = resize(scores.float(), map_size(labels))
        total = F.cross_entropy(upsampled, labels.long(), ignore_index=IGNORE, reduction="sum")
        return total / (labels != IGNORE).sum().clamp(min=1)


def loss_of_heads(
    scores: Float[Tensor, "b k _ _"], auxiliary: Float[Tensor, "b k _ _"] | None, labels: UInt8[Tensor, "b h w"]
) -> Float[Tensor, ""]:
    """The cross-entropy of the main head, and 0.4 times that of the auxiliary or coarse head, where there is one."""
    loss = cross_entropy(scores, labels)
    return loss if auxiliary is None else loss + AUXILIARY_WEIGHT * cross_entropy(auxiliary, labels)
