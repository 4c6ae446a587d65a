"""How networks are run: number format, memory format, compiled or captured. A time is only comparable within a mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from bench.evaluate.turns import propagate, segment, with_coming
from bench.measure.time.graphs import captured
from bench.measure.time.samples import Scope
from mpvss.errors import UserError
from mpvss.segmentor.mask2former import with_fixed_work
from mpvss.video import VideoSegmenter, lookahead_of, uses_key_frames

AMP = ("bfloat16", "float16")
MANY_COMPILATIONS = 256
"""Torch's limit of compilations of one function. It is raised, since all methods share the code of `steps_of`."""


@dataclass(frozen=True)
class Steps:
    """The timed functions: from a frame to a tensor (scores or labels, on the device) and the state.

    A method that looks ahead is shown the coming frames as further arguments, `lookahead` of them at most. Without
    `key_frames`, `key` is for a clip's first frame alone.
    """

    key: Callable[..., tuple[Tensor, Any]]
    non_key: Callable[..., tuple[Tensor, Any]]
    key_frames: bool = True
    lookahead: int = 0


@dataclass(frozen=True)
class Mode:
    """Options of a run.

    Attributes:
        amp: number format of autocast, `bfloat16` or `float16`; None: that of the weights.
        compile: whether `torch.compile` is used.
        cuda_graphs: whether each kind of frame is captured as a CUDA graph and replayed.
        channels_last: whether weights of convolutions are laid out with the channels last.

    """

    amp: str | None = None
    compile: bool = False
    cuda_graphs: bool = False
    channels_last: bool = False

    def __post_init__(self) -> None:
        if self.amp is not None and self.amp not in AMP:
            raise UserError(f"amp is {self.amp!r}; it must be one of {', '.join(AMP)}")

    @property
    def name(self) -> str:
        """The mode in words."""
        options = {"compiled": self.compile, "CUDA graphs": self.cuda_graphs, "channels last": self.channels_last}
        return ", ".join([self.amp or "float32", *(text for text, chosen in options.items() if chosen)])

    def check(self, device: torch.device) -> None:
        """Raise UserError if the device cannot run in this mode."""
        if self.cuda_graphs and device.type != "cuda":
            raise UserError(f"CUDA graphs need a CUDA device, not {device.type}")
        if self.amp is not None and not torch.amp.is_autocast_available(device.type):
            raise UserError(f"{self.amp} needs a device with autocast, not {device.type}")

    def autocast(self, device: torch.device) -> AbstractContextManager:
        """The context that frames are run in."""
        if self.amp is None:
            return nullcontext()
        # A graph must not refer to casts that are cached beside it.
        return torch.autocast(device.type, getattr(torch, self.amp), cache_enabled=not self.cuda_graphs)

    @property
    def prepares(self) -> bool:
        """Whether the first frames do work that later ones do not."""
        return self.compile or self.cuda_graphs


def steps_of(segmenter: VideoSegmenter, scope: Scope) -> Steps:
    """The frame steps of a method: to scores in scope `model`, else to labels."""

    def key(frame: Tensor, *coming: Tensor) -> tuple[Tensor, Any]:
        prediction, state = segment(segmenter, frame, coming)
        return prediction.scores() if scope == "model" else prediction.labels(), state

    def non_key(frame: Tensor, state: Any, *coming: Tensor) -> tuple[Tensor, Any]:
        prediction, state = propagate(segmenter, frame, state, coming)
        return prediction.scores() if scope == "model" else prediction.labels(), state

    return Steps(key, non_key, uses_key_frames(segmenter), lookahead_of(segmenter))


def prepare(
    segmenter: VideoSegmenter, scope: Scope, mode: Mode, frames: Sequence[Tensor]
) -> tuple[Steps, float | None]:
    """The steps of a method in a mode, and the seconds that compiling and capturing took; None where there is neither.

    `frames` are of the clip that will be run, (3, H, W) each. The weights of `segmenter` may change their layout.
    """
    device = frames[0].device
    if mode.channels_last and isinstance(segmenter, nn.Module):
        segmenter.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    steps = steps_of(segmenter, scope)
    if not mode.prepares:
        return steps, None
    start = perf_counter()
    if mode.compile:
        torch._dynamo.config.cache_size_limit = MANY_COMPILATIONS
        # Compiled for the shapes that it meets; so these must not depend on what is in a picture.
        fixed = steps_of(with_fixed_work(segmenter), scope)
        steps = replace(
            steps, key=torch.compile(fixed.key, dynamic=False), non_key=torch.compile(fixed.non_key, dynamic=False)
        )
    with torch.inference_mode(), mode.autocast(device):
        if mode.cuda_graphs:
            if steps.lookahead:
                raise UserError("a method that looks ahead is shown fewer frames at a clip's end; no CUDA graph fits")
            key, non_key = captured(steps.key, steps.non_key, frames[0])
            steps = replace(steps, key=key, non_key=non_key)
        # Without key frames, what runs depends on the frame's place in the clip.
        count = 3 if steps.key_frames else len(frames)
        state = None
        for index, (frame, coming) in enumerate(islice(with_coming(frames, steps.lookahead), count)):
            state = steps.non_key(frame, state, *coming)[1] if index else steps.key(frame, *coming)[1]
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return steps, perf_counter() - start
