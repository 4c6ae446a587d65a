"""Generated clips with exact labels: textured shapes over a textured ground, while the camera pans.

They need no file and are the same on every machine: a frame follows from its clip's seed and its number by integer
arithmetic and by products and sums that IEEE 754 fixes. Use them to try things out, to test and to time; accuracy on
them says nothing about real video.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8

from bench.data.clip import Clip, Dataset, Frame
from bench.data.palette import colour_map
from mpvss.errors import UserError

CLASS_NAMES = ("sky", "ground", "circle", "square", "triangle", "bar")
_NUM_SHAPES = 9
_SMALLEST = 32


@dataclass(frozen=True)
class GeneratedOptions:
    """How much to generate: `clips` of `frames` frames, `height` x `width` pixels, from `seed`."""

    clips: int = 4
    frames: int = 30
    height: int = 192
    width: int = 320
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (
            ("clips", 1),
            ("frames", 1),
            ("height", _SMALLEST),
            ("width", _SMALLEST),
            ("seed", 0),
        ):
            if getattr(self, name) < least:
                raise UserError(f"generated: {name} is {getattr(self, name)}; it must be {least} or more")


def open_generated(options: GeneratedOptions) -> Dataset:
    """A data set of generated clips; every frame is labelled on every pixel."""
    return Dataset(
        name="generated",
        clips=tuple(_clip(options, index) for index in range(options.clips)),
        class_names=CLASS_NAMES,
        palette=colour_map(len(CLASS_NAMES)),
        identity=f"generated:clips={options.clips},frames={options.frames},"
        f"size={options.height}x{options.width},seed={options.seed}",
    )


def _clip(options: GeneratedOptions, index: int) -> Clip:
    def read() -> Iterator[Frame]:
        scene = Scene((options.seed, index), options.height, options.width)
        for time in range(options.frames):
            yield scene.frame(time)

    return Clip(f"clip{index}", read, options.frames, labelled=True, num_classes=len(CLASS_NAMES))


@dataclass(frozen=True)
class _Shape:
    label: int
    radius: int
    start: tuple[float, float]
    velocity: tuple[float, float]
    inside: Bool[np.ndarray, "d d"]
    picture: UInt8[np.ndarray, "3 d d"]


class Scene:
    """The content of a generated clip; any frame can be rendered without those before it.

    Args:
        seed: the data set's seed, and the clip's number.
        height: height of the frames, in pixels.
        width: width of the frames, in pixels.

    """

    def __init__(self, seed: tuple[int, int], height: int, width: int) -> None:
        rng = np.random.Generator(np.random.PCG64(seed))
        self._height, self._width = height, width
        self._margin = height // 8
        # The world is twice as wide as the frame and wraps around, so that the camera never reaches its end.
        world = (height + 2 * self._margin, 2 * width)
        horizon = height // 2 + self._margin + (_ramp(rng, 2 * width) - 128) * height // 512
        self._world_labels = (np.arange(world[0])[:, None] >= horizon).astype(np.uint8)
        sky, ground = _texture(rng, world, 48), _texture(rng, world, 48)
        self._world = np.where(self._world_labels == 1, ground, sky)
        self._pan = (rng.random(2) * (6, 2) + (-3, -1)) * height / 192
        self._shapes = [self._draw_shape(rng) for _ in range(_NUM_SHAPES)]

    def _draw_shape(self, rng: np.random.Generator) -> _Shape:
        label = int(rng.integers(2, len(CLASS_NAMES)))
        radius = int(rng.integers(self._height // 16, self._height // 5))
        start = rng.random(2) * (self._width, self._height)
        velocity = (rng.random(2) * 10 - 5) * self._height / 192
        side = 2 * radius + 1
        picture = _texture(rng, (side, side), 40)
        return _Shape(label, radius, tuple(start), tuple(velocity), _outline(CLASS_NAMES[label], radius), picture)

    def frame(self, time: int) -> Frame:
        """Render the frame with that number, counted from 0."""
        left = math.floor(self._pan[0] * time) % (2 * self._width)
        columns = np.arange(left, left + self._width) % (2 * self._width)
        # The camera moves up and down between the margins in a triangle wave.
        phase = math.floor(self._pan[1] * time) % (4 * self._margin)
        top = abs(phase - 2 * self._margin)
        rows = slice(top, top + self._height)
        image = np.ascontiguousarray(self._world[:, rows].take(columns, axis=2))
        labels = self._world_labels[rows].take(columns, axis=1)
        for shape in self._shapes:  # later ones are nearer and cover earlier ones
            self._paste(shape, time, image, labels)
        return Frame(image, labels, f"{time:06d}")

    def _paste(self, shape: _Shape, time: int, image: np.ndarray, labels: np.ndarray) -> None:
        corner = [
            math.floor(start + velocity * time) % (length + 2 * shape.radius + 1) - 2 * shape.radius - 1
            for start, velocity, length in zip(shape.start, shape.velocity, (self._width, self._height), strict=True)
        ]
        columns, rows = (
            slice(max(at, 0), max(min(at + 2 * shape.radius + 1, length), 0))
            for at, length in zip(corner, (self._width, self._height), strict=True)
        )
        own = (
            slice(rows.start - corner[1], rows.stop - corner[1]),
            slice(columns.start - corner[0], columns.stop - corner[0]),
        )
        inside = shape.inside[own]
        np.copyto(image[:, rows, columns], shape.picture[:, own[0], own[1]], where=inside)
        labels[rows, columns][inside] = shape.label


def _outline(name: str, radius: int) -> Bool[np.ndarray, "d d"]:
    """Which pixels of a square of side 2·radius + 1 belong to the shape."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return {
        "circle": x * x + y * y <= radius * radius,
        "square": (abs(x) <= radius * 4 // 5) & (abs(y) <= radius * 4 // 5),
        "triangle": 2 * abs(x) <= y + radius,
        "bar": abs(x) <= radius // 4,
    }[name]


def _texture(rng: np.random.Generator, size: tuple[int, int], contrast: int) -> UInt8[np.ndarray, "3 h w"]:
    """A colour with blotches of two scales on it."""
    colour = rng.integers(contrast, 256 - contrast, (3, 1, 1))
    blotches = sum(
        np.kron(
            rng.integers(-contrast // 2, contrast // 2 + 1, [-(-n // cell) for n in size]),
            np.ones((cell, cell), int),
        )[: size[0], : size[1]]
        for cell in (3, 11)
    )
    return (colour + blotches).clip(0, 255).astype(np.uint8)


def _ramp(rng: np.random.Generator, length: int) -> np.ndarray:
    """Heights 0..255 along a closed line, straight between eight random ones."""
    heights = rng.integers(0, 256, 8)
    position = np.arange(length) * 8
    knot, step = position // length, position % length
    return heights[knot] + (heights[(knot + 1) % 8] - heights[knot]) * step // length
