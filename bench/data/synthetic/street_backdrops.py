"""The large regions of a street: sky, rows of buildings, road and pavement. Metres here are units of a scene."""

from __future__ import annotations

import numpy as np

from bench.data.synthetic.affine import Number
from bench.data.synthetic.classes import BUILDING, GROUND, ROAD, SKY, VEGETATION
from bench.data.synthetic.colours import green, jitter, pick
from bench.data.synthetic.sprite import Canvas, Colour, Sprite, endless_canvas
from bench.data.synthetic.texture import layered, noise


def sky(rng: np.random.Generator, width: Number, density: Number) -> Sprite:
    """A gradient with clouds; the lower edge lies 10 units under the middle of the frame at rest."""
    canvas = endless_canvas(width, 150, density / 2)
    top = pick(rng, ((80, 130, 205), (120, 165, 220), (140, 150, 165), (170, 175, 185)))
    low = pick(rng, ((190, 210, 230), (225, 220, 215), (240, 205, 170)))
    clouds = layered(rng, canvas.shape, (28 * canvas.density, 11 * canvas.density, 5 * canvas.density), wraps=True)
    cover = (clouds * 2.2 + rng.uniform(-0.6, 0.5)).clip(0, 1) * rng.uniform(0.4, 0.9)
    clear = [under + (over - under) * canvas.y / 150 for under, over in zip(low, top, strict=True)]
    canvas.fill(canvas.y >= 0, [tone + (238 - tone) * cover for tone in clear], SKY)
    return canvas.endless(10)


def buildings(rng: np.random.Generator, width: Number, density: Number, tallest: Number) -> Sprite:
    """A row of facades with windows, gaps and hedges, its lower edge at the foot."""
    canvas = endless_canvas(width, tallest + 2, density)
    left, end = float(canvas.x[0, 0]), float(canvas.x[0, -1])
    bumps = noise(rng, canvas.shape, (2 * density, 3 * density), wraps=True)
    leaves = layered(rng, canvas.shape, (4 * density, 1.5 * density), wraps=True)
    while left < end:
        right = min(left + rng.uniform(28, 80), end + 1)
        if rng.random() < 0.22:
            top = rng.uniform(8, 20) + leaves * 4
            canvas.fill((canvas.x >= left) & (canvas.x < right) & (canvas.y < top), green(rng), VEGETATION, leaves * 45)
        else:
            _facade(rng, canvas, left, right, rng.uniform(0.4, 1) * tallest, bumps)
        left = right + (rng.uniform(2, 14) if rng.random() < 0.3 else 0)
    return canvas.endless(top=False, bottom=False)


_FACADES = ((172, 108, 88), (190, 170, 140), (150, 140, 132), (205, 196, 178), (128, 96, 84), (160, 150, 165))


def _facade(
    rng: np.random.Generator, canvas: Canvas, left: Number, right: Number, top: Number, bumps: np.ndarray
) -> None:
    colour = pick(rng, _FACADES, 22)
    front = canvas.box(left, right, 0, top)
    courses = ((canvas.y * 1.1) % 1 < 0.3) * rng.uniform(0, 18)
    canvas.fill(front, colour, BUILDING, bumps * 10 - courses)
    canvas.fill(front & (canvas.y > top - 2), jitter(rng, (110, 90, 85), 30), BUILDING)
    across, up = rng.uniform(7, 13), rng.uniform(9, 14)
    wide, high = rng.uniform(0.35, 0.65), rng.uniform(0.4, 0.65)
    column = ((canvas.x - left) / across) % 1
    row = ((canvas.y - 3) / up) % 1
    panes = front & (abs(column - 0.5) < wide / 2) & (row < high) & (canvas.y > 3) & (canvas.y < top - 4)
    canvas.fill(panes, pick(rng, ((70, 84, 104), (150, 175, 200), (48, 50, 58), (210, 190, 130)), 18), BUILDING)
    edges = panes & ((abs(abs(column - 0.5) - wide / 2) < 0.05) | (abs(row - high / 2) < 0.04))
    canvas.fill(edges, jitter(rng, (215, 210, 200), 25), BUILDING)


def street_ground(rng: np.random.Generator, width: Number, density: Number, eye: Number, far: Number) -> Sprite:
    """Pavement, kerb, road with marks, and mostly a near pavement, in bands; the horizon is its upper edge.

    Args:
        rng: where it comes from.
        width: least width, in units.
        density: texels a unit.
        eye: how far under the horizon depth 1 lies.
        far: the depth of the road's far edge.

    """
    canvas, under, tarmac, slabs = _plain_ground(rng, width, density, eye)
    near = rng.uniform(1.15, 1.6) if rng.random() < 0.7 else 0.0
    depth = eye / under
    grain = noise(rng, canvas.shape, (0.8 * density, 2 * density), wraps=True) * 14
    blotches = noise(rng, canvas.shape, (9 * density, 40 * density), wraps=True) * 10
    paving = (depth > far) | (depth < near)
    along = canvas.x * depth
    joints = ((along % 52 < 3.5) | ((depth * 3) % 1 < 0.07)) * 26.0
    canvas.fill(paving, slabs, GROUND, grain + blotches - joints)
    canvas.fill(~paving, tarmac, ROAD, grain + blotches)
    if rng.random() < 0.45:
        strip = depth > far * rng.uniform(1.08, 1.25)
        canvas.fill(strip, green(rng), VEGETATION, grain * 2.5 + blotches)
    kerb = (abs(depth / far - 1) < 0.035) | (abs(depth / max(near, 0.1) - 1) < 0.03)
    canvas.fill(kerb & paving, jitter(rng, (190, 186, 180), 15), GROUND)
    middle = (far + max(near, 1.0)) / 2
    dashes = (abs(depth / middle - 1) < 0.022) & (along % 260 < 150)
    canvas.fill(dashes, jitter(rng, (222, 218, 205), 12), ROAD, grain)
    return canvas.endless(canvas.shape[0] / canvas.density, top=False)


def avenue_ground(rng: np.random.Generator, width: Number, density: Number, eye: Number, half: Number) -> Sprite:
    """A road that runs away from the camera between two pavements; `half` of its width in units at depth 1."""
    canvas, under, tarmac, slabs = _plain_ground(rng, width, density, eye)
    depth = eye / under
    aside = canvas.x * depth - rng.uniform(-0.3, 0.3) * half
    grain = noise(rng, canvas.shape, (0.8 * density, 2 * density), wraps=True) * 14
    blotches = noise(rng, canvas.shape, (9 * density, 40 * density), wraps=True) * 10
    joints = ((aside % 52 < 3.5) | ((depth * 3) % 1 < 0.07)) * 26.0
    road = abs(aside) < half
    canvas.fill(~road, slabs, GROUND, grain + blotches - joints)
    if rng.random() < 0.6:
        canvas.fill(abs(aside) > half * rng.uniform(1.5, 1.9), green(rng), VEGETATION, grain * 2.5 + blotches)
    canvas.fill(road, tarmac, ROAD, grain + blotches)
    canvas.fill(~road & (abs(aside) < half * 1.06), jitter(rng, (190, 186, 180), 15), GROUND)
    mark = jitter(rng, (222, 218, 205), 12)
    canvas.fill((abs(aside) < 6) & ((depth * 1.6) % 1 < 0.6), mark, ROAD, grain)
    canvas.fill(abs(abs(aside) - half * 0.9) < 4, mark, ROAD, grain)
    return canvas.endless(canvas.shape[0] / canvas.density, top=False)


def _plain_ground(
    rng: np.random.Generator, width: Number, density: Number, eye: Number
) -> tuple[Canvas, np.ndarray, Colour, Colour]:
    canvas = endless_canvas(width, 150, density)
    under = (150 - canvas.y).clip(eye / 40, None)
    tarmac = pick(rng, ((88, 88, 94), (108, 104, 102), (70, 72, 78)), 12)
    slabs = pick(rng, ((176, 168, 158), (160, 160, 162), (186, 160, 138)), 14)
    return canvas, under, tarmac, slabs
