"""Pairs of pictures for learning flow: textured shapes that fly over a still picture, which moves too.

Shapes and textures are abstract, unlike the scenes of `bench.data.synthetic`. The flow is exact, and pairs are the
same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from bench.data.synthetic.affine import Affine, scale, shift, turn
from bench.data.synthetic.camera import UNITS
from bench.data.synthetic.finish import soften
from bench.data.synthetic.render import backward_flow, paint
from bench.data.synthetic.sprite import Canvas, Sprite, endless_canvas
from bench.data.synthetic.texture import layered, noise
from mpvss.errors import UserError

_SMALLEST = 32
_FARTHEST = 40.0
"""The largest displacement of a thing each way, in units of 1/192 of the height."""


def flying_pair(
    seed: int, index: int, size: tuple[int, int] = (192, 320)
) -> tuple[
    UInt8[np.ndarray, "3 h w"], UInt8[np.ndarray, "3 h w"], Float32[np.ndarray, "2 h w"], Bool[np.ndarray, "h w"]
]:
    """One pair; it follows from seed and index alone.

    Args:
        seed: seed of the set of pairs.
        index: the pair's number in the set, from 0.
        size: height and width, in pixels.

    Returns:
        first: the current frame, RGB.
        second: the key frame, RGB.
        flow: backward, in pixels, x then y: what is at p in the first picture is at p + flow(p) in the second.
        occluded: pixels of the first picture that are covered in the second, or outside it.

    Raises:
        UserError: a seed or index under 0, a size under 32.

    """
    if seed < 0 or index < 0:
        raise UserError(f"pair {index} of seed {seed}; both must be 0 or more")
    if min(size) < _SMALLEST:
        raise UserError(f"a pair of {size[0]}x{size[1]} pixels; height and width must be {_SMALLEST} or more")
    rng = np.random.Generator(np.random.PCG64((seed, index)))
    to_pixels = shift((size[1] - 1) / 2, (size[0] - 1) / 2) @ scale(size[0] / UNITS)
    density, half = size[0] / UNITS, UNITS * size[1] / size[0] / 2
    sprites = [_still_picture(rng, 2 * half, density)]
    first = [to_pixels @ shift(float(rng.uniform(-half, half)), 0) @ sprites[0].to_object]
    second = [to_pixels @ _move(rng, _FARTHEST / 2, 0.02) @ to_pixels.inverse() @ first[0]]
    for _ in range(int(rng.integers(5, 15))):
        sprite = _shape(rng, density)
        place = shift(float(rng.uniform(-half, half)), float(rng.uniform(-90, 90))) @ turn(float(rng.uniform(-1, 1)))
        sprites.append(sprite)
        first.append(to_pixels @ place @ sprite.to_object)
        second.append(to_pixels @ place @ _move(rng, _FARTHEST, 0.12) @ sprite.to_object)
    order, bare = range(len(sprites)), [None] * len(sprites)
    now, key = (paint(size, sprites, matrices, order, bare) for matrices in (first, second))
    flow, occluded = backward_flow(now.layers, key.layers, first, second)
    bright = float(rng.uniform(0.9, 1.1))
    return _taken(rng, now.image(), 1.0), _taken(rng, key.image(), bright), flow, occluded


def _move(rng: np.random.Generator, farthest: float, most_turn: float) -> Affine:
    """A random move, mostly small: squares of uniform draws, half of them made four times smaller."""
    x, y, angle, growth = (float(value * abs(value)) for value in rng.uniform(-1, 1, 4))
    reach = farthest * float(rng.choice([0.25, 1.0]))
    return shift(reach * x, reach * y) @ turn(most_turn * angle) @ scale(1 + 0.15 * growth)


def _colour(rng: np.random.Generator) -> np.ndarray:
    """A random colour about a grey."""
    return rng.uniform(30, 225) + rng.uniform(0, 1) * rng.uniform(-90, 90, 3)


def _still_picture(rng: np.random.Generator, width: float, density: float) -> Sprite:
    """Blots of several colours with grain, an endless picture."""
    canvas = endless_canvas(width, 1.3 * UNITS, density)
    canvas.fill(
        canvas.y >= 0, _colour(rng), 0, layered(rng, canvas.shape, (60 * density, 12 * density), wraps=True) * 50
    )
    for _ in range(int(rng.integers(3, 8))):
        spread = float(rng.uniform(6, 50)) * density
        blots = noise(rng, canvas.shape, (spread * float(rng.uniform(0.4, 2)), spread), wraps=True)
        canvas.fill(blots > float(rng.uniform(0.1, 0.5)), _colour(rng), 0, _texture(rng, canvas))
    return canvas.endless(0.65 * UNITS)


def _texture(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    """A relief of one of several kinds, in grey levels."""
    strength, step = float(rng.uniform(8, 50)), float(rng.uniform(4, 24))
    slope, kind = float(rng.uniform(-1.5, 1.5)), int(rng.integers(5))
    density = canvas.density
    if kind == 0:
        return strength * layered(rng, canvas.shape, (step * density, step * density / 3), wraps=True)
    if kind == 1:
        return strength * noise(rng, canvas.shape, (1.5 * density, step * density), wraps=True)
    along = (canvas.x + slope * canvas.y) / step
    across = (canvas.y - slope * canvas.x) / step
    if kind == 2:
        return strength * (along % 1 < 0.5)
    if kind == 3:
        return strength * ((along % 1 < 0.5) ^ (across % 1 < 0.5))
    return strength * ((along % 1 - 0.5) ** 2 + (across % 1 - 0.5) ** 2 < 0.09)


def _shape(rng: np.random.Generator, density: float) -> Sprite:
    """A textured shape of random size, centred on its middle."""
    radius = float(rng.choice([rng.uniform(5, 16), rng.uniform(12, 34), rng.uniform(25, 60)]))
    canvas = Canvas(2 * radius, 2 * radius, density)
    x, y = canvas.x / radius, canvas.y / radius - 1
    outline = _OUTLINES[int(rng.integers(len(_OUTLINES)))](rng, x, y)
    canvas.fill(outline, _colour(rng), 0, _texture(rng, canvas))
    if rng.random() < 0.4:
        canvas.fill(outline & (noise(rng, canvas.shape, radius * density / 2) > 0.25), _colour(rng), 0)
    return canvas.sprite((0.0, radius))


def _blob(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    a, b, c = (float(value) for value in rng.uniform(-0.35, 0.35, 3))
    return x * x + y * y + a * x * y + b * x * x * x + c * y * y * x < 0.7


def _polygon(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    inside = (abs(x) < 0.98) & (abs(y) < 0.98)
    for _ in range(int(rng.integers(3, 6))):
        normal = turn(float(rng.uniform(-1, 1)) * float(rng.choice([1.0, 4.0])))
        inside = inside & (normal.xx * x + normal.xy * y < float(rng.uniform(0.35, 0.85)))
    return inside


def _ring(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    square = x * x + y * y
    return (square < 0.96) & (square > float(rng.uniform(0.2, 0.6)))


def _bar(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (abs(x) < float(rng.uniform(0.06, 0.3))) & (abs(y) < 0.98)


def _cross(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    thick = float(rng.uniform(0.12, 0.4))
    return ((abs(x) < thick) | (abs(y) < thick)) & (abs(x) < 0.96) & (abs(y) < 0.96)


_OUTLINES: tuple[Callable[[np.random.Generator, np.ndarray, np.ndarray], np.ndarray], ...] = (
    _blob,
    _polygon,
    _ring,
    _bar,
    _cross,
)


def _taken(rng: np.random.Generator, image: np.ndarray, bright: float) -> UInt8[np.ndarray, "3 h w"]:
    """The picture slightly blurred, with a little noise, and at another brightness."""
    dice = rng.integers(-4, 5, image.shape, np.int8)
    return (soften(image, 0.7) * np.float32(bright) + dice).clip(0, 255).astype(np.uint8)
