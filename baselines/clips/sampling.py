"""Clips of a few frames to train video methods on: which ones, and how changed, follows from the step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Shaped, UInt8
from torch import Tensor

from baselines.clips.start import OFFSETS
from mpvss.errors import UserError
from mpvss.training.augment import Augmentation
from mpvss.training.batch import Batch
from mpvss.training.pairs import TrainingClip

SUCCESSIVE = (1,)
"""The offset of a pair of successive frames."""


@dataclass(frozen=True)
class ClipBatch(Batch):
    """Clips of a target (`frames` and `labels`) and its references, all labelled."""

    references: Shaped[Tensor, "b t 3 h w"]
    """RGB, 0..255, in the order that the network takes them in."""
    reference_labels: UInt8[Tensor, "b t h w"]
    """Class ids of `references`; 255 = ignore."""

    def clips(self) -> Shaped[Tensor, "b n 3 h w"]:
        """The references, then the target."""
        return torch.cat((self.references, self.frames[:, None]), dim=1)

    def clip_labels(self) -> UInt8[Tensor, "b n h w"]:
        """The labels of `clips`."""
        return torch.cat((self.reference_labels, self.require_labels()[:, None]), dim=1)


@dataclass(frozen=True)
class ClipSampler:
    """Draws clips of a frame and earlier ones, all of them labelled.

    `offsets` are how many frames before it these lie, in time order; by default CFFM-VSS's and MRCFA's. With
    `reverse`, time runs backwards in half of the clips. All frames of a clip are seen through the same view, in
    colours changed alike.
    """

    clips: Sequence[TrainingClip]
    augmentation: Augmentation
    seed: int
    offsets: tuple[int, ...] = OFFSETS
    reverse: bool = True

    def __post_init__(self) -> None:
        if not self.clips:
            raise UserError("there are no clips to train on")
        for clip in self.clips:
            if not self._targets(clip):
                earlier = " and ".join(", ".join(map(str, self.offsets)).rsplit(", ", 1))
                raise UserError(
                    f"clip {clip.name} has no labelled frame with labels {earlier} frames before it, as training needs"
                )

    def batch(self, step: int, indices: Sequence[int]) -> ClipBatch:
        """The examples of a step with these indices."""
        examples = [self._example(step, index) for index in indices]
        frames, labels = (torch.from_numpy(np.stack([one[at] for one in examples])) for at in (0, 1))
        return ClipBatch(
            frames=frames[:, -1],
            key_frames=None,
            labels=labels[:, -1],
            flow=None,
            names=tuple(name for _, _, name, _ in examples),
            seeds=tuple(seed for *_, seed in examples),
            references=frames[:, :-1],
            reference_labels=labels[:, :-1],
        )

    def _example(
        self, step: int, index: int
    ) -> tuple[UInt8[np.ndarray, "n 3 h w"], UInt8[np.ndarray, "n h w"], str, int]:
        """The frames of a clip, their labels, a name, and a seed."""
        rng = np.random.default_rng((self.seed, step, index))
        clip = self.clips[int(rng.integers(len(self.clips)))]
        target = int(rng.choice(self._targets(clip)))
        chosen = [*(target - offset for offset in self.offsets), target]
        if self.reverse and rng.integers(2):
            chosen.reverse()
        known = [clip.frame(frame) for frame in chosen]
        view = self.augmentation.draw_view((known[0][0].shape[1], known[0][0].shape[2]), rng)
        colour = self.augmentation.draw_colour(rng)
        frames = [view.frame(image) for image, _ in known]
        frames = frames if colour is None else [colour.apply(frame) for frame in frames]
        labels = [view.labels(of_frame) for _, of_frame in known if of_frame is not None]
        assert len(labels) == len(frames), "every frame that is chosen is labelled"
        seen = f"{clip.name}[{','.join(map(str, chosen))}]"
        return np.stack(frames), np.stack(labels), seen, int(rng.integers(1 << 62))

    def _targets(self, clip: TrainingClip) -> list[int]:
        """The labelled frames whose references are labelled too."""
        labelled = set(clip.labelled)
        return [index for index in clip.labelled if labelled.issuperset(index - offset for offset in self.offsets)]
