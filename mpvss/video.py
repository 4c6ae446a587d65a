"""The interface every method stands behind, and the values that pass through it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor

from mpvss.errors import UserError


@runtime_checkable
class Prediction(Protocol):
    """A prediction for one frame. Nothing is computed at full size before it is asked for."""

    def labels(self) -> UInt8[Tensor, "h w"]:
        """The class of each pixel, at the frame's size, on the model's device."""
        ...

    def scores(self) -> Float[Tensor, "c h w"]:
        """The score of each class at each pixel, at the frame's size; `labels` is their argmax."""
        ...


@runtime_checkable
class VideoSegmenter(Protocol):
    """A method that segments a video frame by frame.

    Networks hold weights; what is known of a video is the `state`, an explicit value that goes in and comes back.
    The caller decides which frames are key frames, so one trained method serves every interval.
    A frame is RGB, (3, H, W), 0..255, uint8 or float, on the model's device.

    A method without key frames (one network for every frame, or a network of several frames) has the class attribute
    `key_frames = False`, which `uses_key_frames` reads. The caller then calls `segment` at the start of a clip and
    `propagate` on every later frame, whatever its interval.
    """

    num_classes: int

    def segment(self, frame: Shaped[Tensor, "3 h w"]) -> tuple[Prediction, Any]:
        """Segment a key frame from nothing; the state serves the frames after it."""
        ...

    def propagate(self, frame: Shaped[Tensor, "3 h w"], state: Any) -> tuple[Prediction, Any]:
        """Segment any non-key frame, of the key frame's size, from the state the frame before it left."""
        ...


@runtime_checkable
class LooksAhead(Protocol):
    """A `VideoSegmenter` that sees frames before their turn, so that its result is late by as many.

    The caller of either function passes the next frames of the clip as `coming`: as many as `lookahead` says, fewer
    at the clip's end and none at its last frame. A method may need them at the start of a clip alone.
    """

    num_classes: int
    lookahead: ClassVar[int]

    def segment(self, frame: Shaped[Tensor, "3 h w"], *, coming: Sequence[Tensor]) -> tuple[Prediction, Any]:
        """As `VideoSegmenter.segment`, with the frames that follow `frame`."""
        ...

    def propagate(
        self, frame: Shaped[Tensor, "3 h w"], state: Any, *, coming: Sequence[Tensor]
    ) -> tuple[Prediction, Any]:
        """As `VideoSegmenter.propagate`, with the frames that follow `frame`."""
        ...


def uses_key_frames(method: object) -> bool:
    """Whether a key-frame interval means anything to a `VideoSegmenter`; True unless it says `key_frames = False`."""
    return bool(getattr(method, "key_frames", True))


def lookahead_of(method: object) -> int:
    """How many frames a `VideoSegmenter` must be shown before their turn; 0 unless it `LooksAhead`."""
    return int(getattr(method, "lookahead", 0))


def check_frame(frame: Tensor) -> None:
    """Raise UserError unless `frame` is one RGB frame, (3, H, W)."""
    if frame.ndim != 3 or frame.shape[0] != 3 or 0 in frame.shape:
        raise UserError(f"a frame is one RGB image, (3, H, W); got shape {tuple(frame.shape)}")


def check_same_size(frame: Tensor, size: tuple[int, int], other: str = "its key frame") -> None:
    """Raise UserError where a frame has another size than the `other` that it is segmented from."""
    check_frame(frame)
    if tuple(frame.shape[1:]) != tuple(size):
        height, width = frame.shape[1:]
        raise UserError(
            f"the frame is {width}x{height} and {other} {size[1]}x{size[0]}; frames of one clip must share one size"
        )


def frame_size(frame: Tensor) -> tuple[int, int]:
    """Height and width of one RGB frame, (3, H, W); UserError where it is not one."""
    check_frame(frame)
    return frame.shape[1], frame.shape[2]


def as_float(frame: Tensor) -> Tensor:
    """The frame as floating point, 0..255; half and bfloat16 frames stay as they are."""
    return frame if frame.is_floating_point() else frame.to(torch.float32)
