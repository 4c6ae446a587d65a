"""The large regions of a room: wall and floor. Metres here are units of a scene."""

from __future__ import annotations

import numpy as np

from bench.data.synthetic.affine import Number
from bench.data.synthetic.classes import GROUND, SIGN, SKY, WALL
from bench.data.synthetic.colours import jitter, pick
from bench.data.synthetic.sprite import Canvas, Sprite, endless_canvas
from bench.data.synthetic.texture import layered, noise


def wall(rng: np.random.Generator, width: Number, density: Number) -> Sprite:
    """A papered wall with a skirting board, pictures and windows; y is counted from its foot."""
    canvas = endless_canvas(width, 190, density)
    papers = ((214, 204, 186), (186, 200, 206), (206, 184, 178), (176, 190, 166), (222, 214, 206), (150, 158, 178))
    colour = pick(rng, papers, 16)
    stripe = (abs(canvas.x / rng.uniform(6, 16) % 1 - 0.5) < 0.2) * rng.uniform(-22, 10)
    plaster = layered(rng, canvas.shape, (30 * density, 2 * density), wraps=True) * 9
    canvas.fill(canvas.y >= 0, colour, WALL, plaster + stripe)
    if rng.random() < 0.4:
        canvas.fill((canvas.y < rng.uniform(14, 26)), jitter(rng, colour, 40), WALL, plaster)
    canvas.fill((canvas.y < 4), jitter(rng, (236, 232, 224), 12), WALL)
    at = float(canvas.x[0, 0]) + rng.uniform(5, 40)
    while at < float(canvas.x[0, -1]) - 50:
        wide = rng.uniform(14, 44)
        if rng.random() < 0.42:
            _window(rng, canvas, at, at + wide + 10)
        else:
            _picture(rng, canvas, at, at + wide * 0.75, rng.uniform(34, 60))
        at += wide + rng.uniform(14, 70)
    return canvas.endless()


def _window(rng: np.random.Generator, canvas: Canvas, left: Number, right: Number) -> None:
    low, high = rng.uniform(24, 34), rng.uniform(66, 86)
    canvas.fill(canvas.box(left - 2, right + 2, low - 2, high + 2), jitter(rng, (235, 232, 226), 12), WALL)
    outside = pick(rng, ((150, 190, 228), (196, 210, 222), (226, 214, 196)))
    canvas.fill(canvas.box(left, right, low, high), outside, SKY, (canvas.y - low) * 0.3)
    bar = jitter(rng, (228, 224, 216), 12)
    middle = (left + right) / 2
    canvas.fill(canvas.box(middle - 0.8, middle + 0.8, low, high), bar, WALL)


def _picture(rng: np.random.Generator, canvas: Canvas, left: Number, right: Number, low: Number) -> None:
    high = low + rng.uniform(12, 28)
    canvas.fill(canvas.box(left, right, low, high), jitter(rng, (60, 44, 34), 26), SIGN)
    paint = pick(rng, ((214, 60, 50), (40, 90, 180), (236, 196, 50), (40, 140, 96)), 20)
    inner = canvas.box(left + 1.6, right - 1.6, low + 1.6, high - 1.6)
    canvas.fill(inner, paint, SIGN)
    x, y = canvas.x - (left + right) / 2, canvas.y - (low + high) / 2
    motifs = ((x + y) % 9 < 4, x * x + y * y < 24, y < x * 0.4 - 1, abs(x) % 6 < 2.5)
    canvas.fill(inner & motifs[int(rng.integers(4))], jitter(rng, (238, 234, 226), 10), SIGN)


def floor(rng: np.random.Generator, width: Number, density: Number, eye: Number, back: Number) -> Sprite:
    """Boards, tiles or carpet up to the depth `back`; the horizon is its upper edge."""
    canvas = endless_canvas(width, 150, density)
    depth = eye / (150 - canvas.y).clip(eye / 40, None)
    aside = canvas.x * depth
    woods = ((168, 122, 80), (134, 92, 58), (196, 160, 116), (150, 150, 148), (120, 104, 108), (176, 166, 140))
    kind = int(rng.integers(3))
    grain = noise(rng, canvas.shape, (1 * density, 7 * density if kind == 0 else 2 * density), wraps=True)
    blotches = noise(rng, canvas.shape, (8 * density, 30 * density), wraps=True) * 8
    lines = (
        ((depth * 6) % 1 < 0.1) | ((aside + 40 * np.floor(depth * 6)) % 180 < 3),
        ((depth * 3) % 1 < 0.06) | (aside % 60 < 3.5),
        np.zeros(canvas.shape, bool),
    )[kind]
    relief = grain * (16, 9, 26)[kind] + blotches - lines * 34.0
    canvas.fill(depth < back, pick(rng, woods, 16), GROUND, relief)
    return canvas.endless(canvas.shape[0] / canvas.density, top=False)
