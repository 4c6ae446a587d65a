"""Training of DeepLab on single frames, and of DFF and Accel as first published on pairs."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from baselines.cnn.loss import cross_entropy
from baselines.original.accel import OriginalAccel
from baselines.original.deeplab import PADDING, DeepLab
from baselines.original.dff import OriginalDFF
from baselines.original.warp import zero_padded_warp
from mpvss.training.batch import Batch, pad_labels
from mpvss.training.tasks import Task


class DeepLabTask(Task):
    """All of DeepLab under the cross-entropy of its upsampled scores."""

    model: DeepLab

    def __init__(self, model: DeepLab) -> None:
        super().__init__(model, [model])

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        features = self.model.features(self.model.centre(batch.frames))
        return pixel_loss(self.model.classify(features), batch)


class OriginalDffTask(Task):
    """All of DFF: the cross-entropy of what its head makes of the key frame's warped features."""

    model: OriginalDFF

    def __init__(self, model: OriginalDFF) -> None:
        super().__init__(model, [model])

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        _, warped = warped_features(self.model, batch)
        return pixel_loss(self.model.segmentor.classify(warped), batch)


class OriginalAccelTask(Task):
    """All of Accel: the cross-entropy of the key frame's warped result, corrected by the update branch.

    Features are warped from the key frame in one step; a clip is propagated from frame to frame.
    """

    model: OriginalAccel

    def __init__(self, model: OriginalAccel) -> None:
        super().__init__(model, [model])

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        centred, warped = warped_features(self.model, batch)
        return pixel_loss(self.model.corrected(centred, warped), batch)


def warped_features(
    model: OriginalDFF | OriginalAccel, batch: Batch
) -> tuple[Float[Tensor, "b 3 ph pw"], Float[Tensor, "b c h16 w16"]]:
    """The centred frames, and the features of their key frames, warped to them."""
    segmentor = model.segmentor
    centred, key = segmentor.centre(batch.frames), segmentor.centre(batch.require_key_frames())
    return centred, zero_padded_warp(segmentor.features(key), model.flow(centred, key))


def pixel_loss(scores: Float[Tensor, "b k h16 w16"], batch: Batch) -> dict[str, Tensor]:
    """The cross-entropy of the scores of padded frames, upsampled."""
    return {"pixel": cross_entropy(scores, pad_labels(batch.require_labels(), PADDING))}
