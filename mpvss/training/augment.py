"""One random view of a clip: the same window, scale and flip for frames, labels and flow; and colour jitter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float32, UInt8

from mpvss.errors import UserError
from mpvss.labels import IGNORE

GREY = 128.0
"""The value of frames outside of the view."""


@dataclass(frozen=True)
class Augmentation:
    """The random choices of a view of `crop` (height, width) pixels.

    `scale` bounds the factor by which the frame is resized before it is cropped; `flip` mirrors half of the views;
    `jitter` changes brightness, contrast, saturation and hue.
    """

    crop: tuple[int, int]
    scale: tuple[float, float] = (0.5, 2.0)
    flip: bool = True
    jitter: bool = True

    def __post_init__(self) -> None:
        if min(self.crop) < 1:
            raise UserError(f"crop is {self.crop}; both sides must be 1 or more")
        if not 0 < self.scale[0] <= self.scale[1] < math.inf:
            raise UserError(f"scale is {self.scale}; it must be two positive numbers, the smaller one first")

    def draw_view(self, size: tuple[int, int], rng: np.random.Generator) -> View:
        """A view of frames of `size`."""
        factor = rng.uniform(*self.scale)
        window = [max(round(side / factor), 1) for side in self.crop]
        kept = [min(side, extent) for side, extent in zip(window, size, strict=True)]
        top, left = (int(rng.integers(extent - side + 1)) for side, extent in zip(kept, size, strict=True))
        resized = [max(round(k * c / w), 1) for k, c, w in zip(kept, self.crop, window, strict=True)]
        flipped = self.flip and bool(rng.integers(2))
        return View((top, left), (kept[0], kept[1]), (resized[0], resized[1]), self.crop, flipped)

    def draw_colour(self, rng: np.random.Generator) -> Colour | None:
        """The change of colours of a view; None without `jitter`."""
        return Colour.draw(rng) if self.jitter else None


@dataclass(frozen=True)
class View:
    """A window of a frame, resized, flipped, and padded at the bottom and right. Sizes are (height, width)."""

    corner: tuple[int, int]
    window: tuple[int, int]
    resized: tuple[int, int]
    size: tuple[int, int]
    flipped: bool

    def frame(self, image: UInt8[np.ndarray, "3 h w"]) -> UInt8[np.ndarray, "3 vh vw"]:
        """The view of a frame, bilinearly, without aliasing."""
        (top, left), (height, width) = self.corner, self.window
        window = torch.from_numpy(np.ascontiguousarray(image[:, top : top + height, left : left + width]))
        resized = F.interpolate(window[None], self.resized, mode="bilinear", align_corners=False, antialias=True)[0]
        return self._finish(resized.numpy(), GREY)

    def labels(self, labels: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "vh vw"]:
        """The view of a label map: nearest pixels, `IGNORE` outside."""
        return self._finish(self._nearest(labels), float(IGNORE))

    def flow(self, flow: Float32[np.ndarray, "2 h w"]) -> Float32[np.ndarray, "2 vh vw"]:
        """The view of a backward flow, in pixels of the view, nan outside."""
        factors = np.array([r / w for r, w in zip(self.resized[::-1], self.window[::-1], strict=True)], np.float32)
        seen = self._nearest(flow) * factors[:, None, None]
        if self.flipped:
            seen[0] *= -1
        return self._finish(seen, np.nan)

    def _nearest(self, array: np.ndarray) -> np.ndarray:
        rows, columns = (
            corner + ((np.arange(out) + 0.5) * side / out).astype(np.int64)
            for corner, side, out in zip(self.corner, self.window, self.resized, strict=True)
        )
        return array[..., rows[:, None], columns]

    def _finish(self, array: np.ndarray, fill: float) -> np.ndarray:
        """Flip, then pad to `size`."""
        if self.flipped:
            array = array[..., ::-1]
        below, right = (whole - part for whole, part in zip(self.size, self.resized, strict=True))
        padding = [(0, 0)] * (array.ndim - 2) + [(0, below), (0, right)]
        return np.ascontiguousarray(np.pad(array, padding, constant_values=fill))


@dataclass(frozen=True)
class Colour:
    """A change of colours as the SSD detector's (Liu et al., ECCV 2016), each part of it made half of the time."""

    brightness: float
    """Added; at most 32 up or down."""
    contrast: float
    """A factor, 0.5 to 1.5."""
    contrast_first: bool
    """True where contrast is changed before saturation and hue, False where after them."""
    saturation: float
    """A factor, 0.5 to 1.5."""
    hue: float
    """Turned by at most a tenth of the circle, either way."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Colour:
        """A random change."""

        def maybe(low: float, high: float, neutral: float) -> float:
            value = float(rng.uniform(low, high))
            return value if rng.integers(2) else neutral

        return cls(
            brightness=maybe(-32.0, 32.0, 0.0),
            contrast=maybe(0.5, 1.5, 1.0),
            contrast_first=bool(rng.integers(2)),
            saturation=maybe(0.5, 1.5, 1.0),
            hue=maybe(-0.1, 0.1, 0.0),
        )

    def apply(self, image: UInt8[np.ndarray, "3 h w"]) -> UInt8[np.ndarray, "3 h w"]:
        """The frame with its colours changed, clipped to 0..255."""
        changed = (image.astype(np.float32) + np.float32(self.brightness)).clip(0, 255)
        if self.contrast_first:
            changed = (changed * np.float32(self.contrast)).clip(0, 255)
        if (self.saturation, self.hue) != (1, 0):
            changed = _turn_colours(changed, self.saturation, self.hue)
        if not self.contrast_first:
            changed = (changed * np.float32(self.contrast)).clip(0, 255)
        return np.rint(changed).astype(np.uint8)


def _turn_colours(image: Float32[np.ndarray, "3 h w"], saturation: float, hue: float) -> Float32[np.ndarray, "3 h w"]:
    """Saturation multiplied and hue turned, by way of HSV; the value (the greatest channel) stays."""
    red, green, blue = image
    value = image.max(0)
    chroma = value - image.min(0)
    safe = np.where(chroma > 0, chroma, np.float32(1))
    sixth = np.select(
        [value == red, value == green], [(green - blue) / safe, 2 + (blue - red) / safe], 4 + (red - green) / safe
    )
    sixth = sixth + np.float32(6 * hue)
    # Saturation, chroma over value, is at most 1.
    chroma = np.minimum(chroma * np.float32(saturation), value)
    channels = []
    for offset in (5, 3, 1):
        at = (offset + sixth) % 6
        channels.append(value - chroma * np.minimum(at, 4 - at).clip(0, 1))
    return np.stack(channels).astype(np.float32)
