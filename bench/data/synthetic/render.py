"""Painting layers back to front, and the flow between two pictures of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from jaxtyping import Bool, Float32, UInt8, UInt32

from bench.data.synthetic.affine import Affine, Number
from bench.data.synthetic.classes import NOTHING
from bench.data.synthetic.sprite import Sprite


@dataclass(frozen=True)
class Painting:
    """The picture at one moment, before light, blur and noise.

    Attributes:
        texels: the texel seen at each pixel: class, blue, green, red, from the highest byte.
        layers: the number of the layer it belongs to.

    """

    texels: UInt32[np.ndarray, "h w"]
    layers: UInt8[np.ndarray, "h w"]

    def labels(self) -> UInt8[np.ndarray, "h w"]:
        """The class of each pixel."""
        return (self.texels >> 24).astype(np.uint8)

    def image(self) -> Float32[np.ndarray, "3 h w"]:
        """Red, green and blue, 0..255."""
        return np.stack([((self.texels >> bits) & 255).astype(np.float32) for bits in (0, 8, 16)])


@dataclass(frozen=True)
class Shadow:
    """An ellipse that darkens what was painted before it, in pixels; its radii `across` and `up`."""

    x: Number
    y: Number
    across: Number
    up: Number


def paint(
    size: tuple[int, int],
    sprites: Sequence[Sprite],
    matrices: Sequence[Affine],
    order: Sequence[int],
    shadows: Sequence[Shadow | None],
) -> Painting:
    """Paint sprites over one another. The first that is painted must cover the frame.

    Args:
        size: height and width, in pixels; a pixel is a point at whole coordinates.
        sprites: one a layer.
        matrices: one a layer, from its texels to pixels.
        order: layer numbers, farthest first.
        shadows: one a layer, cast right before the layer is painted; or None.

    """
    texels = np.full(size, np.uint32(NOTHING << 24))
    layers = np.zeros(size, np.uint8)
    for number in order:
        shadow = shadows[number]
        if shadow is not None:
            _cast(shadow, texels)
        _lay(sprites[number], matrices[number], number, texels, layers)
    return Painting(texels, layers)


def _lay(sprite: Sprite, matrix: Affine, number: int, texels: np.ndarray, layers: np.ndarray) -> None:
    height, width = sprite.texels.shape
    rows, columns = slice(0, texels.shape[0]), slice(0, texels.shape[1])
    if not sprite.wraps:
        corners = [matrix.point(x, y) for x in (0, width) for y in (0, height)]
        columns, rows = (
            slice(max(floor(min(along)), 0), min(max(ceil(max(along)) + 1, 0), end))
            for along, end in zip(zip(*corners, strict=True), texels.shape[::-1], strict=True)
        )
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
    back = matrix.inverse()
    x, y = np.arange(columns.start, columns.stop), np.arange(rows.start, rows.stop)[:, None]
    across = _floor(back.xx * x + (back.xy * y + back.x1))
    down = _floor(back.yx * x + (back.yy * y + back.y1))
    across = across & (width - 1) if sprite.wraps else across.clip(0, width - 1)
    seen = sprite.texels.ravel().take(down.clip(0, height - 1) * width + across)
    solid = seen < NOTHING << 24
    np.copyto(texels[rows, columns], seen, where=solid)
    np.copyto(layers[rows, columns], np.uint8(number), where=solid)


def _floor(values: np.ndarray) -> np.ndarray:
    return np.floor(values).astype(np.int32)


def _cast(shadow: Shadow, texels: np.ndarray) -> None:
    rows = slice(max(floor(shadow.y - shadow.up), 0), max(ceil(shadow.y + shadow.up) + 1, 0))
    columns = slice(max(floor(shadow.x - shadow.across), 0), max(ceil(shadow.x + shadow.across) + 1, 0))
    under = texels[rows, columns]
    y, x = np.arange(under.shape[0])[:, None] + rows.start, np.arange(under.shape[1]) + columns.start
    dark = ((x - shadow.x) / shadow.across) ** 2 + ((y - shadow.y) / shadow.up) ** 2 <= 1
    # Three eighths off each channel at once; the class in the highest byte stays.
    np.copyto(under, under - ((under >> 2) & 0x3F3F3F) - ((under >> 3) & 0x1F1F1F), where=dark)


def backward_flow(
    now: UInt8[np.ndarray, "h w"],
    key: UInt8[np.ndarray, "h w"],
    now_matrices: Sequence[Affine],
    key_matrices: Sequence[Affine],
) -> tuple[Float32[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]]:
    """Backward flow: where each pixel of the current picture was in the key picture.

    Args:
        now: the layer seen at each pixel.
        key: the same of the key picture.
        now_matrices: one a layer, from its texels to pixels.
        key_matrices: the same of the key picture.

    Returns:
        The flow in pixels, x then y: what is at p now was at p + flow(p). And whether it could not be seen there: the
        nearest pixel lies outside the frame or shows another layer.

    """
    moves = [then @ today.inverse() for then, today in zip(key_matrices, now_matrices, strict=True)]
    per_layer = np.array(moves, np.float64).T
    xx, xy, x1, yx, yy, y1 = (coefficient.take(now) for coefficient in per_layer)
    height, width = now.shape
    x, y = np.arange(width), np.arange(height)[:, None]
    there_x, there_y = xx * x + xy * y + x1, yx * x + yy * y + y1
    # The nearest pixel to the flow as it is handed out, in float32.
    flow = np.stack([there_x - x, there_y - y]).astype(np.float32)
    column, row = _floor(x + flow[0] + 0.5), _floor(y + flow[1] + 0.5)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    found = key.ravel().take(row.clip(0, height - 1) * width + column.clip(0, width - 1))
    return flow, ~(inside & (found == now))
