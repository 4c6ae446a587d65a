"""How networks are run: number format, memory format, compiled or captured. A time is only comparable within a mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from bench.measure.time.graphs import captured
from bench.measure.time.samples import Scope
from mpvss.errors import UserError
from mpvss.segmentor.mask2former import with_fixed_work
from mpvss.video import VideoSegmenter

AMP = ("bfloat16", "float16")
MANY_COMPILATIONS = 256
"""Torch's limit of compilations of one function. It is raised, since all methods share the code of `steps_of`."""


@dataclass(frozen=True)
class Steps:
    """The timed functions: from a frame to a tensor (scores or labels, on the device) and the state."""

    key: Callable[[Tensor], tuple[Tensor, Any]]
    non_key: Callable[[Tensor, Any], tuple[Tensor, Any]]


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

    def key(frame: Tensor) -> tuple[Tensor, Any]:
        prediction, state = segmenter.segment(frame)
        return prediction.scores() if scope == "model" else prediction.labels(), state

    def non_key(frame: Tensor, state: Any) -> tuple[Tensor, Any]:
        prediction, state = segmenter.propagate(frame, state)
        return prediction.scores() if scope == "model" else prediction.labels(), state

    return Steps(key, non_key)


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
        steps = Steps(torch.compile(fixed.key, dynamic=False), torch.compile(fixed.non_key, dynamic=False))
    with torch.inference_mode(), mode.autocast(device):
        if mode.cuda_graphs:
            steps = Steps(*captured(steps.key, steps.non_key, frames[0]))
        state = steps.key(frames[0])[1]
        for frame in frames[1:3]:
            state = steps.non_key(frame, state)[1]
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return steps, perf_counter() - start
