"""Flat pictures with a class on every texel, and the canvas they are drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt32

from bench.data.synthetic.affine import Affine, Number, scale, shift
from bench.data.synthetic.classes import NOTHING

Colour = tuple[Number, Number, Number]


@dataclass(frozen=True)
class Sprite:
    """A picture that a layer shows.

    Attributes:
        texels: class in the highest byte (255: see-through), then blue, green, red.
        to_object: from texels, whose corners lie on whole numbers, to the object's own coordinates.
        wraps: whether it repeats sideways without end, and its first and last rows up and down without end. Its width
            is then a power of two.

    """

    texels: UInt32[np.ndarray, "h w"]
    to_object: Affine
    wraps: bool = False


class Canvas:
    """The canvas that a sprite is drawn on. Later fills cover earlier ones.

    Attributes:
        x: metres to the right of the middle, of each column of texels; (1, w).
        y: metres up from the lower edge, of each row of texels; (h, 1).

    Args:
        width: in metres.
        height: in metres.
        density: texels a metre.

    """

    def __init__(self, width: Number, height: Number, density: Number) -> None:
        self.density = density
        self.shape = max(round(height * density), 2), max(round(width * density), 2)
        self.x = ((np.arange(self.shape[1]) + 0.5 - self.shape[1] / 2) / density).astype(np.float32)[None, :]
        self.y = ((self.shape[0] - 0.5 - np.arange(self.shape[0])) / density).astype(np.float32)[:, None]
        self._colour = np.zeros((3, *self.shape), np.float32)
        self._labels = np.full(self.shape, NOTHING, np.uint8)

    def box(self, left: Number, right: Number, low: Number, high: Number) -> Bool[np.ndarray, "h w"]:
        """The texels of an upright rectangle, in metres; one texel across at least."""
        thin = 0.75 / self.density
        middle = (left + right) / 2
        return (abs(self.x - middle) <= max((right - left) / 2, thin)) & (self.y >= low) & (self.y <= high)

    def oval(self, x: Number, y: Number, across: Number, up: Number) -> Bool[np.ndarray, "h w"]:
        """The texels of an ellipse about (x, y) with these radii."""
        return ((self.x - x) / across) ** 2 + ((self.y - y) / up) ** 2 <= 1

    def fill(
        self,
        where: Bool[np.ndarray, "#h #w"],
        colour: Colour | Sequence[np.ndarray] | np.ndarray,
        label: int,
        relief: np.ndarray | Number = 0.0,
    ) -> None:
        """Paint texels.

        Args:
            where: which.
            colour: red, green, blue, each one figure or one a texel, (h, w).
            label: their class.
            relief: added to all three channels.

        """
        everywhere = np.broadcast_to(where, self.shape)
        rows, columns = _extent(np.any(everywhere, axis=1)), _extent(np.any(everywhere, axis=0))
        here = everywhere[rows, columns]
        np.copyto(self._labels[rows, columns], np.uint8(label), where=here)
        raised = np.broadcast_to(np.asarray(relief, np.float32), self.shape)[rows, columns]
        for channel, tone in zip(self._colour, colour, strict=True):
            painted = np.broadcast_to(np.asarray(tone, np.float32), self.shape)[rows, columns] + raised
            np.copyto(channel[rows, columns], painted, where=here)

    def sprite(self, origin: tuple[Number, Number] = (0.0, 0.0)) -> Sprite:
        """The drawing as a sprite in metres, y down, from an origin given as metres right of the middle and up."""
        framed = np.full((self.shape[0] + 2, self.shape[1] + 2), np.uint32(NOTHING << 24))
        framed[1:-1, 1:-1] = self._packed()
        x, y = origin[0] * self.density, origin[1] * self.density
        foot = shift(-(self.shape[1] / 2 + 1 + x), -(self.shape[0] + 1 - y))
        return Sprite(framed, scale(1 / self.density) @ foot)

    def endless(self, foot: Number = 0.0, top: bool = True, bottom: bool = True) -> Sprite:
        """The drawing as a sprite that is endless sideways.

        Args:
            foot: where y is counted from, in metres above the canvas's lower edge.
            top: whether the first row continues upwards without end.
            bottom: whether the last row continues downwards without end.

        """
        assert self.shape[1] & (self.shape[1] - 1) == 0, "the width of an endless sprite is a power of two"
        to_foot = shift(-self.shape[1] / 2, -(self.shape[0] - foot * self.density) - (not top))
        clear = np.full((1, self.shape[1]), np.uint32(NOTHING << 24))
        rows = [*([] if top else [clear]), self._packed(), *([] if bottom else [clear])]
        return Sprite(np.concatenate(rows), scale(1 / self.density) @ to_foot, wraps=True)

    def _packed(self) -> UInt32[np.ndarray, "h w"]:
        red, green, blue = self._colour.clip(0, 255).astype(np.uint32)
        return red | (green << 8) | (blue << 16) | (self._labels.astype(np.uint32) << 24)


def endless_canvas(least_width: Number, height: Number, density: Number) -> Canvas:
    """A canvas for an endless sprite, at least so many metres wide."""
    texels = 1 << (int(least_width * density) - 1).bit_length()
    return Canvas(texels / density, height, density)


def _extent(used: np.ndarray) -> slice:
    """The slice from the first used entry to the last."""
    if not used.any():
        return slice(0, 0)
    return slice(int(used.argmax()), len(used) - int(used[::-1].argmax()))
