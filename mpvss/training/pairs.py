"""Frames, or pairs of them, drawn from clips: which ones, and how changed, follows from (seed, step, index)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float32, UInt8

from mpvss.errors import UserError
from mpvss.training.augment import Augmentation
from mpvss.training.batch import Batch, stack
from mpvss.training.stills import StillMotion


@runtime_checkable
class TrainingClip(Protocol):
    """A clip whose frames can be had in any order."""

    name: str
    labelled: Sequence[int]
    """The frames with labels, ascending; for a clip with ground-truth flow and no labels, every frame."""

    def frame(self, index: int) -> tuple[UInt8[np.ndarray, "3 h w"], UInt8[np.ndarray, "h w"] | None]:
        """A frame, RGB, and its labels."""
        ...

    def flow(self, index: int, key: int) -> tuple[Float32[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]] | None:
        """Ground-truth backward flow from frame `index` to the earlier `key`, and what is occluded; None: not known."""
        ...


@dataclass(frozen=True)
class Sampler:
    """Draws examples from clips.

    With `max_distance`, an example is a pair of a frame and an earlier one, its key frame, 1 to `max_distance` frames
    before; both are seen through the same view, in colours changed alike. With None it is a single frame. A pair's
    ground-truth flow is asked for `with_flow` alone.

    With `stills`, a pair's key frame is made from the frame and its labels, as if 1 to `max_distance` frames earlier.
    """

    clips: Sequence[TrainingClip]
    augmentation: Augmentation
    max_distance: int | None
    seed: int
    with_flow: bool = False
    stills: StillMotion | None = None

    def __post_init__(self) -> None:
        if self.max_distance is not None and self.max_distance < 1:
            raise UserError(f"max_distance is {self.max_distance}; it must be 1 or more")
        if not self.clips:
            raise UserError("there are no clips to train on")
        for clip in self.clips:
            if not self._current(clip):
                raise UserError(
                    f"clip {clip.name} has no labelled frame"
                    + (" with a frame before it" if self._needs_earlier else "")
                )

    def batch(self, step: int, indices: Sequence[int]) -> Batch:
        """The examples of a step with these indices."""
        return stack([self.example(step, index) for index in indices])

    def example(self, step: int, index: int) -> Batch:
        """One example, as a batch of one."""
        rng = np.random.default_rng((self.seed, step, index))
        clip = self.clips[int(rng.integers(len(self.clips)))]
        current = int(rng.choice(self._current(clip)))
        image, labels = clip.frame(current)
        view = self.augmentation.draw_view((image.shape[1], image.shape[2]), rng)
        colour = self.augmentation.draw_colour(rng)

        def seen(image: np.ndarray) -> torch.Tensor:
            image = view.frame(image)
            return torch.from_numpy(image if colour is None else colour.apply(image))[None]

        name, key_frame, flow = f"{clip.name}[{current}]", None, None
        if self.stills is not None and self.max_distance is not None:
            assert labels is not None, "stills have labels"
            distance = int(rng.integers(1, self.max_distance + 1))
            name += f" from {distance} before"
            key_frame = seen(self.stills.key_frame(image, labels, distance, rng)[0])
        elif self.max_distance is not None:
            key = current - int(rng.integers(1, min(self.max_distance, current) + 1))
            name += f" from [{key}]"
            key_frame = seen(clip.frame(key)[0])
            known = clip.flow(current, key) if self.with_flow else None
            flow = None if known is None else view.flow(known[0])
        return Batch(
            frames=seen(image),
            key_frames=key_frame,
            labels=None if labels is None else torch.from_numpy(view.labels(labels))[None],
            flow=None if flow is None else torch.from_numpy(flow)[None],
            names=(name,),
            seeds=(int(rng.integers(1 << 62)),),
        )

    @property
    def _needs_earlier(self) -> bool:
        return self.max_distance is not None and self.stills is None

    def _current(self, clip: TrainingClip) -> Sequence[int]:
        """The frames that can be an example's current one."""
        if not self._needs_earlier or 0 not in clip.labelled:
            return clip.labelled
        return [index for index in clip.labelled if index > 0]
