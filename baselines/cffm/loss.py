"""The loss that CFFM-VSS is trained with."""

from __future__ import annotations

from jaxtyping import Float, UInt8
from torch import Tensor

from baselines.clips.network import ClipScores
from baselines.segformer.loss import pixel_cross_entropy

ALONE = 0.5
"""Weight of the frames' own scores."""


def cffm_losses(scores: ClipScores, labels: UInt8[Tensor, "b t h w"]) -> dict[str, Float[Tensor, ""]]:
    """The weighted losses whose sum is minimised: every frame alone, against its own labels, and the target."""
    return {
        "frames": ALONE * pixel_cross_entropy(scores.frames.flatten(0, 1), labels.flatten(0, 1)),
        "target": pixel_cross_entropy(scores.target, labels[:, -1]),
    }
