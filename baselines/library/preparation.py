"""What a network of the library sees of a frame: resized, padded and normalised as its image processor does."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor

from baselines.library.sizes import Resizing, Size, up_to_multiple
from mpvss.errors import UserError
from mpvss.video import as_float, frame_size

_HALF = 0.5001
"""Rounds halves up, and what rounding errors have taken from them."""


@dataclass(frozen=True)
class Padding:
    """Zeros around a picture.

    Attributes:
        size: height and width to reach; None: by `multiple`.
        multiple: both sides are made multiples of it, half of the padding on each side.
        before_norm: black pixels, which are then normalised, instead of zeros after it.

    """

    size: Size | None = None
    multiple: int = 1
    before_norm: bool = False

    def __call__(self, picture: Float[Tensor, "*n h w"]) -> Float[Tensor, "*n ph pw"]:
        """The padded picture."""
        height, width = picture.shape[-2:]
        if self.size is None:
            more = [up_to_multiple(side, self.multiple) - side for side in (width, height)]
            across, down = more
            return F.pad(picture, (across // 2, across - across // 2, down // 2, down - down // 2))
        down, across = self.size[0] - height, self.size[1] - width
        if min(down, across) < 0 and not self.before_norm:
            wanted = f"{self.size[1]}x{self.size[0]}"
            raise UserError(f"the image processor pads to {wanted}, and the resized frame is {width}x{height}")
        return F.pad(picture, (0, max(across, 0), 0, max(down, 0)))


@dataclass(frozen=True)
class Preparation:
    """The steps from a frame to a network's input, in the order they are taken.

    Attributes:
        mean: mean of red, green and blue, in values of 0..255.
        std: the same of the standard deviation.
        resizing: None: frames keep their size.
        window: side of the square windows that the picture is cut into along its longer side; None: it is not cut.
        padding: None: pictures are not padded.
        reversed_channels: the network wants blue, green, red.

    """

    mean: tuple[float, ...] = (0.0,) * 3
    std: tuple[float, ...] = (255.0,) * 3
    resizing: Resizing | None = None
    window: int | None = None
    padding: Padding | None = None
    reversed_channels: bool = False

    def resized(self, frame: Shaped[Tensor, "3 h w"]) -> Float[Tensor, "3 rh rw"]:
        """The resized RGB frame, 0..255."""
        size = frame_size(frame)
        picture = as_float(frame)
        if self.resizing is None or self.resizing(size) == size:
            return picture
        return resize_like_pillow(picture, self.resizing(size), cubic=self.resizing.cubic)


def normalise(
    pictures: Float[Tensor, "n 3 h w"], preparation: Preparation, mean: Tensor, std: Tensor
) -> Float[Tensor, "n 3 ph pw"]:
    """Pad and normalise pictures, 0..255; `mean` and `std` are the preparation's, on the pictures' device."""
    padding = preparation.padding
    if padding is not None and padding.before_norm:
        pictures = padding(pictures)
    normed = (pictures - mean) / std
    if preparation.reversed_channels:
        normed = normed.flip(1)
    return padding(normed) if padding is not None and not padding.before_norm else normed


def resize_like_pillow(picture: Float[Tensor, "3 h w"], size: Size, *, cubic: bool) -> Float[Tensor, "3 rh rw"]:
    """A picture, 0..255, resized with antialiasing: first across, then down, each in whole numbers.

    Pillow's numbers, but for one level of 255 where rounding is close, or where it goes down before across.
    """
    mode = "bicubic" if cubic else "bilinear"
    exact = picture.to(torch.float32)[None]
    for step in ((exact.shape[-2], size[1]), size):
        if tuple(exact.shape[-2:]) != step:
            smooth = F.interpolate(exact, step, mode=mode, align_corners=False, antialias=True)
            exact = (smooth + _HALF).floor().clamp(0, 255)
    return exact[0].to(picture.dtype)
