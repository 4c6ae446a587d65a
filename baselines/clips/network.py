"""What CFFM-VSS and MRCFA share: SegFormer on each frame, and the state that a clip's earlier frames leave."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from baselines.clips.start import (
    REFERENCES,
    ClipStart,
    TooFewFramesError,
    check_clip_start,
    needed_later,
    reference_frames,
)
from baselines.segformer.network import SegFormer
from mpvss.errors import UserError
from mpvss.presets import Execution
from mpvss.video import Prediction, check_same_size, frame_size

Reference = TypeVar("Reference")
"""What a method keeps of a frame to segment later ones."""


@dataclass(frozen=True)
class FrameFeatures:
    """What SegFormer makes of frames before it scores classes."""

    maps: list[Tensor]
    """The backbone's, from fine to coarse, each (B, C, H, W)."""
    fused: Float[Tensor, "b d h w"]
    """The decoder's, at 1/4."""

    def of_frame(self, index: int, frames: int) -> FrameFeatures:
        """Frame `index` of each clip, where the batch is of clips of this many frames."""
        return FrameFeatures([level[index::frames] for level in self.maps], self.fused[index::frames])


@dataclass(frozen=True)
class ClipScores:
    """Every output that training scores, as logits at 1/4."""

    frames: Float[Tensor, "b t c h w"]
    """Of each frame alone, in time order."""
    target: Float[Tensor, "b c h w"]
    """Of the last frame, from all of them."""
    references: tuple[Float[Tensor, "b c h w"], ...] = ()
    """Of the last frame from each reference, where a method makes them."""


@dataclass(frozen=True)
class ClipState:
    """What is known of a clip after its frame `index`."""

    index: int
    size: tuple[int, int]
    """Height and width of its frames."""
    kept: tuple[tuple[int, Any], ...]
    """The frames that later ones refer to, at most nine: their index, and features (lean) or pixels (paper)."""


@dataclass(frozen=True)
class NoPrediction:
    """Of a frame that the rule of the clip's start leaves out: asking for labels or scores raises."""

    reason: TooFewFramesError

    def labels(self) -> Tensor:
        """UserError: there are none."""
        raise self.reason

    def scores(self) -> Tensor:
        """UserError: there are none."""
        raise self.reason


class ClipNetwork(nn.Module, ABC, Generic[Reference]):
    """A network that segments a frame from itself and three earlier frames.

    It has no key frames: `segment` starts a clip and `propagate` takes every later frame in turn. With execution
    `lean`, features of earlier frames are kept and nothing unused is computed; with `paper` all four frames go
    through the network each time, with every output of the published program. Both give the same labels.
    """

    key_frames: ClassVar[bool] = False

    def __init__(self, *, segmentor: SegFormer, execution: Execution, clip_start: ClipStart) -> None:
        super().__init__()
        check_clip_start(clip_start)
        self.segmentor = segmentor
        self.num_classes = segmentor.num_classes
        self.execution: Execution = execution
        self.clip_start: ClipStart = clip_start

    @abstractmethod
    def reference(self, features: FrameFeatures) -> Reference:
        """What later frames need of a frame."""

    @abstractmethod
    def combine(self, target: FrameFeatures, references: Sequence[Reference]) -> Float[Tensor, "b c h w"]:
        """Class scores of the target at 1/4, from it and its references in time order."""

    def combine_all(
        self, target: FrameFeatures, references: Sequence[Reference]
    ) -> tuple[Float[Tensor, "b c h w"], tuple[Tensor, ...]]:
        """The result of `combine`, and the scores from each reference that training adds; none, unless overridden."""
        return self.combine(target, references), ()

    def encode(self, frames: Shaped[Tensor, "b 3 h w"]) -> FrameFeatures:
        """SegFormer on a batch of frames, 0..255."""
        maps = self.segmentor.features(frames)
        return FrameFeatures(maps, self.segmentor.head.fused(maps))

    def forward(self, clips: Shaped[Tensor, "b t 3 h w"]) -> ClipScores:
        """Every output on clips of four frames, 0..255, in time order; the last frame is the target."""
        batch, count = clips.shape[:2]
        if count != REFERENCES + 1:
            raise UserError(f"a clip is {REFERENCES} references and their target; got {count} frames")
        features = self.encode(clips.flatten(0, 1))
        *before, target = (features.of_frame(index, count) for index in range(count))
        scores, from_each = self.combine_all(target, [self.reference(frame) for frame in before])
        alone = self.segmentor.head.scores(features.fused)
        return ClipScores(alone.unflatten(0, (batch, count)), scores, from_each)

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[Prediction, ClipState]:
        """Segment the first frame of a clip."""
        return self._step(frame, ClipState(-1, frame_size(frame), ()))

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: ClipState) -> tuple[Prediction, ClipState]:
        """Segment the next frame of the clip."""
        check_same_size(frame, state.size, other="the frame before it")
        return self._step(frame, state)

    def _step(self, frame: Tensor, state: ClipState) -> tuple[Prediction, ClipState]:
        index, known = state.index + 1, dict(state.kept)
        prediction: Prediction
        try:
            references = [known[earlier] for earlier in reference_frames(index, self.clip_start)]
        except TooFewFramesError as error:
            prediction, kept = NoPrediction(error), self._keep(frame)
        else:
            scores, kept = self._scores(frame, references)
            prediction = self.segmentor.prediction(scores, state.size)
        known[index] = kept
        needed = needed_later(index, self.clip_start)
        still = tuple((earlier, content) for earlier, content in known.items() if earlier in needed)
        return prediction, ClipState(index, state.size, still)

    def _scores(self, frame: Tensor, references: list[Any]) -> tuple[Float[Tensor, "c h w"], Any]:
        """The scores of a frame at 1/4, and what to keep of it."""
        if references and self.execution == "paper":
            return self(torch.stack((*references, frame))[None]).target[0], frame
        features = self.encode(frame[None])
        scores = self.combine(features, references) if references else self.segmentor.head.scores(features.fused)
        return scores[0], frame if self.execution == "paper" else self.reference(features)

    def _keep(self, frame: Tensor) -> Any:
        """What to keep of a frame that is not segmented."""
        return frame if self.execution == "paper" else self.reference(self.encode(frame[None]))
