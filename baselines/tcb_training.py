"""TCB's training on clips of a frame and its references."""

from __future__ import annotations

from torch import Tensor

from baselines.clips.sampling import ClipBatch
from baselines.cnn.loss import AUXILIARY_WEIGHT, cross_entropy
from baselines.tcb import TCB
from mpvss.errors import UserError
from mpvss.training.batch import Batch
from mpvss.training.tasks import Task


class TcbTask(Task):
    """All of TCB: the frame's cross-entropy, and 0.4 of the coarse head's on every frame of the clip.

    Clips are those of `ClipSampler`: a frame's references are 3, 6 and 9 frames before it, or after it where time runs
    backwards. The memory holds what it does on a clip's first frame: the contexts of these and of the frame itself.
    """

    model: TCB

    def __init__(self, model: TCB) -> None:
        super().__init__(model, [model])

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        if not isinstance(batch, ClipBatch):
            raise UserError("this task is trained on clips of four labelled frames, and the batch has none")
        decoder, clips = self.model.decoder, batch.clips()
        pixels, contexts, coarse = decoder.describe(self.model.segmentor.features(clips.flatten(0, 1)))
        shape = clips.shape[:2]
        own, mean = pixels.unflatten(0, shape)[:, -1], contexts.unflatten(0, shape).mean(1)
        scores = decoder.head.classify(decoder.attend(own, mean))
        return {
            "pixel": cross_entropy(scores, batch.require_labels()),
            "auxiliary": AUXILIARY_WEIGHT * cross_entropy(coarse, batch.clip_labels().flatten(0, 1)),
        }
