"""Things that stand in a room, in metres above their lower edge. Each function gives parts and width."""

from __future__ import annotations

import numpy as np

from bench.data.synthetic.affine import Number
from bench.data.synthetic.classes import FURNITURE, POLE, VEGETATION
from bench.data.synthetic.colours import jitter, pick
from bench.data.synthetic.sprite import Canvas
from bench.data.synthetic.stage import Part
from bench.data.synthetic.texture import layered, noise

_WOODS = ((138, 92, 56), (92, 62, 44), (186, 144, 96), (226, 222, 214), (70, 66, 66))
_FABRICS = ((120, 60, 66), (70, 92, 120), (104, 120, 92), (150, 140, 128), (176, 122, 60), (84, 76, 96))


def plant(rng: np.random.Generator, density: Number) -> tuple[list[Part], float]:
    """A plant in a pot; the pot counts as furniture."""
    tall = rng.uniform(0.8, 1.6)
    canvas = Canvas(0.9, tall, density)
    leaves = layered(rng, canvas.shape, (0.2 * density, 0.08 * density))
    spread = (canvas.x / 0.42) ** 2 + ((canvas.y - tall * 0.64) / (tall * 0.36)) ** 2
    green = jitter(rng, (70, 122, 62), 18)
    canvas.fill(spread < 0.75 + leaves * 0.8, green, VEGETATION, leaves * 75)
    canvas.fill(canvas.box(-0.04, 0.04, 0.2, tall * 0.5), (92, 88, 50), VEGETATION)
    pot = (abs(canvas.x) < 0.14 + canvas.y * 0.14) & (canvas.y < 0.34)
    canvas.fill(pot, pick(rng, ((170, 96, 66), (220, 216, 206), (70, 74, 84))), FURNITURE)
    return [Part(canvas.sprite(), shadow=0.35)], 0.9


def floor_lamp(rng: np.random.Generator, density: Number) -> tuple[list[Part], float]:
    """A lamp on a stand: a pole all over."""
    tall = rng.uniform(1.3, 1.8)
    canvas = Canvas(0.6, tall, density)
    canvas.fill(canvas.box(-0.032, 0.032, 0, tall - 0.2), jitter(rng, (96, 92, 86), 30), POLE)
    canvas.fill(canvas.box(-0.2, 0.2, 0, 0.05), jitter(rng, (80, 78, 76), 20), POLE)
    shade = (abs(canvas.x) < 0.13 + (tall - canvas.y) * 0.4) & (canvas.y > tall - 0.32)
    canvas.fill(shade, pick(rng, ((246, 226, 170), (230, 214, 196)), 10), POLE, canvas.x * 40)
    return [Part(canvas.sprite(), shadow=0.25)], 0.6


def furniture(rng: np.random.Generator, density: Number) -> tuple[list[Part], float]:
    """A table, a sofa, a cabinet or a chair."""
    return (_table, _sofa, _cabinet, _chair)[int(rng.integers(4))](rng, density)


def _table(rng: np.random.Generator, density: Number) -> tuple[list[Part], float]:
    wide, tall = rng.uniform(0.9, 2.0), rng.uniform(0.5, 0.85)
    canvas = Canvas(wide, tall, density)
    half, wood, grain = wide / 2, pick(rng, _WOODS), _grain(rng, canvas)
    canvas.fill(canvas.box(-half, half, tall - 0.12, tall), wood, FURNITURE, grain + 14)
    for x in (-half + 0.1, half - 0.16):
        canvas.fill(canvas.box(x, x + 0.07, 0, tall - 0.1), wood, FURNITURE, grain - 12)
    return [Part(canvas.sprite(), shadow=half)], wide


def _sofa(rng: np.random.Generator, density: Number) -> tuple[list[Part], float]:
    wide, tall = rng.uniform(1.3, 2.2), rng.uniform(0.75, 0.95)
    canvas = Canvas(wide, tall, density)
    half, cloth = wide / 2, pick(rng, _FABRICS, 18)
    weave = noise(rng, canvas.shape, 0.04 * density) * 14
    checks = (((canvas.x * 5) % 1 < 0.5) ^ ((canvas.y * 5) % 1 < 0.5)) * rng.choice([0.0, 0.0, 24.0])
    canvas.fill(canvas.box(-half + 0.1, half - 0.1, 0.1, tall), cloth, FURNITURE, weave - 14 + checks)
    canvas.fill(canvas.box(-half + 0.1, half - 0.1, 0.1, 0.45), cloth, FURNITURE, weave + 12 + checks)
    for side in (-1, 1):
        inner, outer = side * (half - 0.24), side * half
        canvas.fill(canvas.box(min(inner, outer), max(inner, outer), 0.06, 0.62), cloth, FURNITURE, weave - 4)
    return [Part(canvas.sprite(), shadow=half)], wide


def _cabinet(rng: np.random.Generator, density: Number) -> tuple[list[Part], float]:
    wide, tall = rng.uniform(0.7, 1.4), rng.uniform(0.9, 1.9)
    canvas = Canvas(wide, tall, density)
    half, wood, grain = wide / 2, pick(rng, _WOODS, 16), _grain(rng, canvas)
    canvas.fill(canvas.box(-half, half, 0, tall), wood, FURNITURE, grain)
    row, column = canvas.y / 0.36 % 1, (canvas.x + half) / 0.16 % 1
    shelves = canvas.box(-half + 0.07, half - 0.07, 0.1, tall - 0.08) & (row > 0.14)
    if rng.random() < 0.5:
        canvas.fill(shelves, jitter(rng, wood, 10), FURNITURE, grain - 40)
        books = shelves & (row < 0.8) & (column < 0.8)
        tones = noise(rng, canvas.shape, (0.36 * density, 0.16 * density)) * 90
        canvas.fill(books, jitter(rng, (130, 110, 100), 20), FURNITURE, tones)
    else:
        canvas.fill(shelves, jitter(rng, wood, 18), FURNITURE, grain)
    return [Part(canvas.sprite(), shadow=half)], wide


def _chair(rng: np.random.Generator, density: Number) -> tuple[list[Part], float]:
    canvas = Canvas(0.5, 0.95, density)
    wood, grain, back = pick(rng, _WOODS, 16), _grain(rng, canvas), float(rng.choice([-0.24, 0.17]))
    canvas.fill(canvas.box(-0.24, 0.24, 0.42, 0.52), wood, FURNITURE, grain + 10)
    canvas.fill(canvas.box(back, back + 0.07, 0.0, 0.95), wood, FURNITURE, grain)
    for x in (-0.22, 0.16):
        canvas.fill(canvas.box(x, x + 0.06, 0, 0.45), wood, FURNITURE, grain - 14)
    return [Part(canvas.sprite(), shadow=0.25)], 0.5


def _grain(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    return noise(rng, canvas.shape, (0.05 * canvas.density, 0.6 * canvas.density)) * 16
