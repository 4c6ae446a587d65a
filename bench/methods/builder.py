"""Methods made ready to run, and one of them over the frames of a video."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bench.data import Clip, Dataset, Frame
from bench.evaluate.lockstep import SharedCalls
from bench.evaluate.schedule import FixedInterval
from bench.methods.registry import GROUND_TRUTH_FLOW, METHODS, Parts, branches, method_of, share_equal_networks
from bench.methods.registry import build as build_method
from bench.methods.shipped import shipped_file, shipped_identity
from mpvss.errors import UserError
from mpvss.presets import Execution
from mpvss.video import VideoSegmenter


@dataclass(frozen=True)
class Built:
    """Methods of one backbone on the device; those that could not be built are in `failed` with the error."""

    segmenters: Mapping[str, VideoSegmenter]
    weights: Mapping[str, str]
    """What each method's weights are: `untrained`, or what was loaded."""
    failed: Mapping[str, Exception] = field(default_factory=dict)
    shared_calls: SharedCalls = ()


Builder = Callable[[Sequence[str], str], Built]
"""Builds methods (names) of a backbone (name)."""


@dataclass(frozen=True)
class Weights:
    """Which checkpoint a row gets.

    Keys are `BACKBONE/METHOD[@LABEL]`, or `BACKBONE` for its other rows. With `shipped`, what these leave gets the
    weights that come with the project.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    shipped: bool = False

    def file(self, method: str, backbone: str) -> Path | None:
        """The checkpoint of a row, or None for untrained weights; UserError where none is shipped and one should."""
        file = self.files.get(f"{backbone}/{method}", self.files.get(backbone))
        if file is None and self.shipped and method_of(method) in (*METHODS, GROUND_TRUTH_FLOW):
            return shipped_file(method, backbone)
        return file

    def pairs(self, methods: Sequence[str], backbones: Sequence[str]) -> list[tuple[str, str]]:
        """The methods and backbones that get a checkpoint."""
        return [(method, backbone) for backbone in backbones for method in methods if self.file(method, backbone)]

    def identity(self) -> dict[str, str]:
        """The keys with the start of each file's SHA-256: what makes two sets of weights the same."""
        identity = {key: _digest(path) for key, path in sorted(self.files.items())}
        return {**identity, "shipped": shipped_identity()} if self.shipped else identity


def registry_builder(
    *, num_classes: int, device: torch.device, execution: Execution, seed: int, weights: Weights
) -> Builder:
    """A builder of the project's own methods; those whose networks have the same weights share them."""

    def build(methods: Sequence[str], backbone: str) -> Built:
        segmenters: dict[str, VideoSegmenter] = {}
        weights_of: dict[str, str] = {}
        failed: dict[str, Exception] = {}
        parts_of: dict[Path | None, Parts] = {}
        for method in methods:
            file = weights.file(method, backbone)
            if file not in parts_of:
                parts_of[file] = Parts(num_classes, execution=execution, seed=seed)
            try:
                of_frame, of_key_frame = branches(method_of(method), backbone)
                segmenter = build_method(
                    method_of(method),
                    backbone=of_frame,
                    key_backbone=of_key_frame,
                    num_classes=num_classes,
                    execution=execution,
                    parts=parts_of[file],
                    weights=file,
                )
                weights_of[method] = getattr(segmenter, "weights", "the method's own")
                segmenters[method] = segmenter.to(device) if isinstance(segmenter, nn.Module) else segmenter
            except Exception as error:
                if file is not None:
                    raise  # a checkpoint that does not fit is the user's to correct, before hours are spent
                failed[method] = error
        if len(parts_of) > 1:
            share_equal_networks(segmenters.values())
        shared = [call for parts in parts_of.values() for call in parts.shared_calls()]
        return Built(segmenters, weights_of, failed, shared)

    return build


def select_device(name: str) -> torch.device:
    """The device of that name, `cpu` or `cuda`.

    Raises:
        UserError: there is no such device here.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: no CUDA device is available here; use --device cpu")
    return torch.device(name)


def set_threads(count: int | None) -> None:
    """Let torch use `count` CPU threads; None leaves its own choice.

    Raises:
        UserError: a count below 1.
    """
    if count is not None:
        if count < 1:
            raise UserError(f"--threads is {count}; it must be 1 or more")
        torch.set_num_threads(count)


def limit(dataset: Dataset, clips: int | None, frames: int | None) -> Dataset:
    """The first `clips` clips of the data, and the first `frames` frames of each; None: all.

    Raises:
        UserError: a limit below 1, or one that leaves a clip none of the frames it is scored on.
    """
    for name, value in (("--clips", clips), ("--frames", frames)):
        if value is not None and value < 1:
            raise UserError(f"{name} is {value}; it must be 1 or more")
    return replace(dataset, clips=tuple(_limit_clip(clip, frames) for clip in dataset.clips[:clips]))


def as_tensor(image: np.ndarray, device: torch.device) -> Tensor:
    """A frame, (3, H, W), on the device."""
    return torch.tensor(image).to(device)


def run_video(
    segmenter: VideoSegmenter, frames: Iterable[Frame], schedule: FixedInterval, device: torch.device
) -> Iterator[tuple[Frame, bool, np.ndarray]]:
    """For each frame: the frame, whether it is a key frame, and its label map, uint8 (H, W) on the host."""
    state = None
    for index, frame in enumerate(frames):
        key = schedule.is_key(index)
        image = as_tensor(frame.image, device)
        with torch.inference_mode():
            prediction, state = segmenter.segment(image) if key else segmenter.propagate(image, state)
            labels = prediction.labels().cpu().numpy()
        yield frame, key, labels


def _limit_clip(clip: Clip, frames: int | None) -> Clip:
    if frames is None:
        return clip
    known = None if clip.num_frames is None else min(clip.num_frames, frames)
    limited = replace(clip, read=lambda: islice(clip.read(), frames), num_frames=known)
    if clip.labelled_frames is None:
        return limited
    left = tuple(index for index in clip.labelled_frames if index < frames)
    if not left:
        raise UserError(
            f"--frames is {frames}; the first labelled frame of clip {clip.name} is {clip.labelled_frames[0]}, "
            "counted from 0"
        )
    return replace(limited, labelled_frames=left)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
