"""The losses that MRCFA is trained with."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from baselines.clips.network import ClipScores
from baselines.segformer.loss import pixel_cross_entropy

ALONE = 0.5
"""Weight of the frames' own scores."""


def mrcfa_losses(
    scores: ClipScores, labels: UInt8[Tensor, "b t h w"], *, target_alone: bool = False
) -> dict[str, Float[Tensor, ""]]:
    """The weighted losses whose sum is minimised.

    `frames`: every frame alone, against its own labels. With `target_alone`, as on Cityscapes, where the references
    have no labels, the target alone. `target`: the mean over the target's scores and those from each reference.
    """
    alone, own = (scores.frames[:, -1:], labels[:, -1:]) if target_alone else (scores.frames, labels)
    outputs = torch.stack((*scores.references, scores.target), dim=1)
    target = labels[:, -1:].expand(-1, outputs.shape[1], -1, -1)
    return {
        "frames": ALONE * pixel_cross_entropy(alone.flatten(0, 1), own.flatten(0, 1)),
        "target": pixel_cross_entropy(outputs.flatten(0, 1), target.flatten(0, 1)),
    }
