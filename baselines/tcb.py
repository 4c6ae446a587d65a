"""TCB: temporal context blending (Miao et al., CVPR 2021) on OCRNet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from baselines.cnn.network import ImageNetwork
from baselines.cnn.ocr import OCRDecoder
from baselines.cnn.presets import Form, build_cnn
from baselines.scores import ScorePrediction
from mpvss.checkpoints.formats import CheckpointFormat, only_ours
from mpvss.errors import UserError
from mpvss.presets import Execution
from mpvss.stages import stage
from mpvss.video import check_same_size, frame_size

DISTANCES = (3, 6, 9)
"""How many frames away the references are."""
MEMORY = 8
"""What the memory is cut to before a frame's contexts join it."""


@dataclass(frozen=True)
class DescribedFrame:
    """A frame, its class contexts and, until it has had its turn, its pixel features."""

    frame: Shaped[Tensor, "3 h w"]
    contexts: Float[Tensor, "1 c k 1"]
    pixels: Float[Tensor, "1 c h8 w8"] | None


@dataclass(frozen=True)
class ClipState:
    """Where a clip has got to, what is known of the frames around, by index, and the memory of contexts."""

    index: int
    known: Mapping[int, DescribedFrame]
    memory: tuple[Float[Tensor, "1 c k 1"], ...] = ()


class TCB(nn.Module):
    """OCRNet whose pixels attend to contexts averaged over four frames and, with `memory`, over what it remembers.

    The references of frame t are t+3, t+6 and t+9, so it is not causal; where t+9 is past the clip's end, they are
    t−3, t−6 and t−9, or the clip's first frame where that is nearer. A frame is described once, however many frames
    refer to it. With `paper`, the references are described anew for each frame, as in the published graph.
    """

    checkpoint_format: ClassVar[CheckpointFormat] = only_ours("TCB")
    key_frames: ClassVar[bool] = False
    lookahead: ClassVar[int] = DISTANCES[-1]

    def __init__(self, *, segmentor: ImageNetwork, memory: bool = True, execution: Execution = "lean") -> None:
        """`segmentor` is an OCRNet."""
        super().__init__()
        if not isinstance(segmentor.decode_head, OCRDecoder):
            raise UserError(f"TCB stands on OCRNet here; it was given a {type(segmentor.decode_head).__name__}")
        self.segmentor = segmentor
        self.memory = memory
        self.execution: Execution = execution
        self.num_classes = segmentor.num_classes

    @property
    def decoder(self) -> OCRDecoder:
        """OCRNet's heads."""
        head = self.segmentor.decode_head
        assert isinstance(head, OCRDecoder)
        return head

    def segment(
        self, frame: Shaped[Tensor, "3 h w"], *, coming: Sequence[Tensor] = ()
    ) -> tuple[ScorePrediction, ClipState]:
        """A clip's first frame; the memory starts empty."""
        return self._next(frame, ClipState(-1, {}), coming)

    def propagate(
        self, frame: Shaped[Tensor, "3 h w"], state: ClipState, *, coming: Sequence[Tensor] = ()
    ) -> tuple[ScorePrediction, ClipState]:
        """A later frame."""
        check_same_size(frame, frame_size(state.known[state.index].frame))
        return self._next(frame, state, coming)

    def _next(self, frame: Tensor, state: ClipState, coming: Sequence[Tensor]) -> tuple[ScorePrediction, ClipState]:
        size = frame_size(frame)
        now = state.index + 1
        known = dict(state.known)
        frames = {now: frame}
        if len(coming) >= self.lookahead:
            references = [now + distance for distance in DISTANCES]
            frames |= {index: coming[index - now - 1] for index in references}
        else:
            references = [max(now - distance, 0) for distance in DISTANCES]
        for index in (*references, now):
            if index in frames:
                check_same_size(frames[index], size)
            if index not in known or self.execution == "paper":
                known[index] = self._describe(frames[index] if index in frames else known[index].frame)
        memory = state.memory
        for index in (*references, now):
            memory = (*memory[-MEMORY:], known[index].contexts)
        scores = self._attend(known[now], memory)
        # The next frame's references reach back to `now` - 8; a past frame's pixel features are needed no more.
        kept = {index: value for index, value in known.items() if index > now - self.lookahead}
        kept |= {index: replace(value, pixels=None) for index, value in kept.items() if index <= now}
        return ScorePrediction(scores[0], size), ClipState(now, kept, memory if self.memory else ())

    def _describe(self, frame: Tensor) -> DescribedFrame:
        pixels, contexts = self._contexts(self.segmentor.features(frame))
        return DescribedFrame(frame, contexts, pixels)

    @stage("decode head")
    def _contexts(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        pixels, contexts, _ = self.decoder.describe(maps)
        return pixels, contexts

    @stage("decode head")
    def _attend(self, current: DescribedFrame, contexts: Sequence[Tensor]) -> Float[Tensor, "1 k _ _"]:
        assert current.pixels is not None
        mean = torch.stack(list(contexts)).mean(0)
        return self.decoder.head.classify(self.decoder.attend(current.pixels, mean))


def build_tcb(
    *,
    num_classes: int,
    depth: int = 101,
    form: Form = "vspw",
    memory: bool = True,
    execution: Execution = "lean",
) -> TCB:
    """TCB on an OCRNet of `depth` and `form`, randomly initialised; the paper's row has the memory."""
    segmentor = build_cnn("ocrnet", num_classes=num_classes, depth=depth, form=form)
    return TCB(segmentor=segmentor, memory=memory, execution=execution)
