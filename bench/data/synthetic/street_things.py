"""Things in a street, standing or driving, in metres above their lower edge. Each function gives parts and width."""

from __future__ import annotations

import numpy as np

from bench.data.synthetic.affine import Number
from bench.data.synthetic.camera import Wave
from bench.data.synthetic.classes import BUILDING, CAR, POLE, SIGN, VEGETATION
from bench.data.synthetic.colours import BRIGHT, jitter, pick
from bench.data.synthetic.sprite import Canvas
from bench.data.synthetic.stage import Part, swing
from bench.data.synthetic.texture import layered, noise


def car(rng: np.random.Generator, density: Number) -> tuple[list[Part], float]:
    """A car or, at times, a van or bus, seen from its side."""
    bus = rng.random() < 0.25
    length, height = (rng.uniform(5.5, 8.5), rng.uniform(2.3, 3.0)) if bus else (rng.uniform(3.6, 4.8), 1.5)
    canvas = Canvas(length, height, density)
    half, wheel = length / 2, 0.34
    colour = pick(rng, (*BRIGHT, (150, 156, 162)), 18)
    sheen = (canvas.y / height - 0.5) * 45 + noise(rng, canvas.shape, 0.6 * density) * 6
    bend = (canvas.x / half) ** 2
    lowest = 0.18 + 0.14 * bend * bend
    if bus:
        body = canvas.box(-half, half, 0.25, height)
        glass = canvas.box(-half + 0.2, half - 0.2, height * 0.52, height * 0.85) & (canvas.x % 1.2 > 0.14)
    else:
        body = (canvas.y > lowest) & (canvas.y < 0.85)
        cabin = rng.uniform(0.2, 0.34) * length
        slant = cabin - (canvas.y - 0.8) * rng.uniform(0.5, 0.9)
        middle = rng.uniform(-0.3, 0.3)
        body |= (abs(canvas.x - middle) < slant) & (canvas.y > 0.8)
        glass = (abs(canvas.x - middle) < slant - 0.13) & (canvas.y > 0.88) & (canvas.y < 1.4)
        glass &= abs(canvas.x - middle) > 0.05
    canvas.fill(body, colour, CAR, sheen)
    canvas.fill(glass, jitter(rng, (72, 92, 108), 20), CAR, (canvas.y - 1) * 60 + canvas.x * 8)
    if rng.random() < 0.5:
        canvas.fill(body & (abs(canvas.y - 0.55) < 0.07), jitter(rng, colour, 60), CAR)
    for side in (-1, 1):
        canvas.fill(canvas.oval(side * half, 0.68, 0.16, 0.1) & body, (236, 214, 150), CAR)
        canvas.fill(canvas.oval(side * half * 0.62, wheel, wheel, wheel), (30, 30, 34), CAR)
        canvas.fill(canvas.oval(side * half * 0.62, wheel, wheel / 2, wheel / 2), (168, 168, 174), CAR)
    return [Part(canvas.sprite(), shadow=half)], length


def tree(rng: np.random.Generator, density: Number) -> tuple[list[Part], float]:
    """A trunk and a crown that sways, as one class."""
    tall, half = rng.uniform(3.6, 6.2), rng.uniform(1.1, 2.0)
    canvas = Canvas(2 * half + 0.8, tall, density)
    trunk = abs(canvas.x) < 0.16 + (tall - canvas.y) * 0.02
    canvas.fill(
        trunk & (canvas.y < tall * 0.7), jitter(rng, (96, 76, 58), 16), VEGETATION, noise(rng, canvas.shape, 4) * 16
    )
    leaves = layered(rng, canvas.shape, (0.7 * density, 0.28 * density, 0.12 * density))
    middle, up = tall * 0.64, tall * 0.34
    spread = (canvas.x / half) ** 2 + ((canvas.y - middle) / up) ** 2
    greens = ((70, 110, 50), (94, 128, 56), (52, 90, 56), (132, 124, 52), (150, 96, 48))
    canvas.fill(spread < 0.86 + leaves * 0.5, pick(rng, greens, 16), VEGETATION, leaves * 75 + (canvas.y - middle) * 9)
    wind = Wave(0.008, float(rng.uniform(20, 50)), float(rng.random()))
    return [Part(canvas.sprite(), swing(wind, 0, 0), half * 0.6)], 2 * half


def bush(rng: np.random.Generator, density: Number) -> tuple[list[Part], float]:
    """A shrub outdoors."""
    half, tall = rng.uniform(0.5, 1.2), rng.uniform(0.6, 1.3)
    canvas = Canvas(2 * half, tall, density)
    leaves = layered(rng, canvas.shape, (0.3 * density, 0.12 * density))
    round_top = (canvas.x / half) ** 2 + (canvas.y / tall) ** 2 < 0.75 + leaves * 0.4
    canvas.fill(round_top, pick(rng, ((66, 104, 54), (96, 120, 60), (58, 84, 48)), 16), VEGETATION, leaves * 60)
    return [Part(canvas.sprite(), shadow=half)], 2 * half


def lamp_post(rng: np.random.Generator, density: Number) -> tuple[list[Part], float]:
    """A street lamp."""
    tall, reach = rng.uniform(4.2, 6.0), float(rng.choice([-0.9, 0.9]))
    canvas = Canvas(2.2, tall, density)
    colour = jitter(rng, (92, 98, 98), 28)
    thick = rng.uniform(0.06, 0.11)
    canvas.fill(canvas.box(-thick, thick, 0, tall), colour, POLE, canvas.x * 200)
    canvas.fill(canvas.box(-thick * 1.8, thick * 1.8, 0, 0.5), colour, POLE)
    canvas.fill(canvas.box(min(0, reach), max(0, reach), tall - 0.12, tall), colour, POLE)
    canvas.fill(canvas.box(reach - 0.25, reach + 0.25, tall - 0.24, tall - 0.1), (216, 214, 196), POLE)
    return [Part(canvas.sprite(), shadow=0.3)], 2.2


def sign(rng: np.random.Generator, density: Number) -> tuple[list[Part], float]:
    """A traffic sign on its pole: round, square or a triangle, with a rim and a mark."""
    tall, half = rng.uniform(2.1, 3.0), rng.uniform(0.3, 0.48)
    canvas = Canvas(2.2 * half, tall, density)
    canvas.fill(canvas.box(-0.055, 0.055, 0, tall - half), jitter(rng, (136, 138, 136), 24), POLE)
    middle, kind = tall - half, int(rng.integers(3))
    x, y = canvas.x / half, (canvas.y - middle) / half

    def plate(size: Number) -> np.ndarray:
        if kind == 0:
            return x * x + y * y < size * size
        if kind == 1:
            return (abs(x) < size * 0.9) & (abs(y) < size * 0.9)
        return (y > -0.9 + (1 - size)) & (abs(x) * 1.9 < size * 1.7 - y - 0.8)

    face, rim = pick(rng, BRIGHT[:5], 14), pick(rng, BRIGHT[:5], 14)
    canvas.fill(plate(0.98), rim, SIGN)
    canvas.fill(plate(0.74), face, SIGN)
    canvas.fill(plate(0.74) & (abs(y) < 0.16) & (abs(x) < 0.5), pick(rng, ((245, 245, 240), (20, 20, 24)), 8), SIGN)
    return [Part(canvas.sprite(), shadow=0.2)], 2 * half


def house(rng: np.random.Generator, density: Number) -> tuple[list[Part], float]:
    """A building that stands by itself, with rows of windows and a roof."""
    wide, tall = rng.uniform(5, 10), rng.uniform(4, 9)
    canvas = Canvas(wide, tall, density)
    half = wide / 2
    colours = ((186, 112, 90), (206, 192, 160), (150, 146, 142), (216, 208, 196), (140, 106, 92))
    bumps = noise(rng, canvas.shape, 0.3 * density) * 9 - ((canvas.y * 5) % 1 < 0.3) * rng.uniform(0, 16)
    roof = tall - 1.3
    canvas.fill(canvas.box(-half, half, 0, roof), pick(rng, colours, 20), BUILDING, bumps)
    slope = (canvas.y >= roof) & (abs(canvas.x) < half - (canvas.y - roof) * rng.uniform(0, 1.6))
    canvas.fill(slope, pick(rng, ((122, 66, 54), (84, 82, 88), (104, 78, 62)), 14), BUILDING, bumps * 1.5)
    across, up = rng.uniform(1.3, 2.2), rng.uniform(1.7, 2.3)
    column, row = (canvas.x / across) % 1, (canvas.y - 0.7) / up % 1
    panes = (abs(column - 0.5) < 0.27) & (row < 0.58) & (canvas.y > 0.7) & (canvas.y < roof - 0.3)
    canvas.fill(panes, pick(rng, ((66, 80, 98), (150, 176, 204), (44, 46, 54)), 16), BUILDING)
    canvas.fill(panes & ((abs(column - 0.5) > 0.22) | (abs(row - 0.3) < 0.04)), (218, 214, 206), BUILDING)
    canvas.fill(canvas.box(-0.5, 0.5, 0, 1.9), jitter(rng, (92, 62, 46), 30), BUILDING)
    return [Part(canvas.sprite(), shadow=half)], wide
