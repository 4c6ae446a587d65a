"""A data set at another frame size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from bench.data.clip import MOST_PIXELS, Clip, Dataset, Frame
from mpvss.errors import UserError


def check_size(size: tuple[int, int]) -> None:
    """Raise UserError for a size, height and width, of no pixels or of too many."""
    height, width = size
    if height < 1 or width < 1 or height * width > MOST_PIXELS:
        raise UserError(f"the frame size is {height}x{width}; it must have 1 to {MOST_PIXELS} pixels")


def resize(dataset: Dataset, size: tuple[int, int]) -> Dataset:
    """The data set with every frame stretched to `size`, height and width, as it is read.

    Images are resized bilinearly, over all pixels that an output pixel covers; labels take the nearest. The
    ground-truth flow is left out.
    """
    height, width = size
    clips = tuple(_resize_clip(clip, size) for clip in dataset.clips)
    return replace(dataset, clips=clips, identity=f"{dataset.identity} size={height}x{width}")


def _resize_clip(clip: Clip, size: tuple[int, int]) -> Clip:
    def read() -> Iterator[Frame]:
        return (resize_frame(frame, size) for frame in clip.frames())

    def read_one(index: int) -> Frame:
        return resize_frame(clip.frame(index), size)

    return replace(clip, read=read, read_frame=read_one if clip.read_frame is not None else None, flow=None)


def resize_frame(frame: Frame, size: tuple[int, int]) -> Frame:
    """A frame stretched to a height and width."""
    image = _resized(frame.image.transpose(1, 2, 0), size, Image.Resampling.BILINEAR).transpose(2, 0, 1)
    labels = None if frame.labels is None else _resized(frame.labels, size, Image.Resampling.NEAREST)
    return replace(frame, image=np.ascontiguousarray(image), labels=labels)


def _resized(
    array: UInt8[np.ndarray, "h w *c"], size: tuple[int, int], how: Image.Resampling
) -> UInt8[np.ndarray, "new_h new_w *c"]:
    height, width = size
    return np.array(Image.fromarray(array).resize((width, height), how))
