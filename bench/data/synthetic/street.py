"""A street, along a row of houses or up an avenue: its layers and its camera."""

from __future__ import annotations

import numpy as np

from bench.data.synthetic import street_backdrops as backdrops
from bench.data.synthetic.affine import Number
from bench.data.synthetic.camera import Camera, random_camera
from bench.data.synthetic.crew import Crew, several
from bench.data.synthetic.stage import Layer, Stage
from bench.data.synthetic.street_things import bush, car, house, lamp_post, sign, tree
from bench.data.synthetic.walkers import person

_EYE, _METRE = 100.0, 50.0
"""Units under the horizon of the ground at depth 1, and units a metre there: eyes are two metres up."""


def make_street(rng: np.random.Generator, size: tuple[int, int]) -> tuple[list[Layer], Camera]:
    """The layers of a street, the farthest first, and the camera."""
    avenue = rng.random() < 0.4
    travels = 0.0 if avenue or rng.random() < 0.3 else float(rng.choice([-1, 1]) * rng.uniform(1.5, 4.5))
    camera = random_camera(rng, size, travels, sway=24.0 if avenue else 60.0)
    stage = Stage(float(rng.uniform(-26, 4)), _EYE, _METRE, camera)
    pixels = size[0] / 192 * 1.3  # texels a unit: a little finer than the frame at its mean zoom
    width = 2 * camera.reach()
    far = float(rng.uniform(3.6, 5.2))
    layers = [stage.backdrop(backdrops.sky(rng, width, pixels), 60.0)]
    row = stage.horizon + _EYE / (7.5 if avenue else far * 1.45)
    facades = backdrops.buildings(rng, width, pixels, float(rng.uniform(50, 105)))
    layers.append(stage.backdrop(facades, 45.0 if avenue else far * 1.45, row))
    if avenue:
        half = float(rng.uniform(75, 130))
        layers.append(stage.ground(backdrops.avenue_ground(rng, width, pixels, _EYE, half), 50.0))
    else:
        layers.append(stage.ground(backdrops.street_ground(rng, width, pixels, _EYE, far), 50.0))
    crew = Crew(rng, stage, layers, pixels * _METRE)
    if avenue:
        _avenue(crew)
    else:
        _row(crew, far)
    return layers, camera


def _row(crew: Crew, far: Number) -> None:
    """Seen from across: lanes in the middle, people on both pavements."""
    rng = crew.rng
    behind, lanes, front = (far * 1.1, far * 1.4), (2.0, far * 0.92), (1.3, 1.9)
    for _ in several(rng, 1, 4):
        crew.add(tree, behind)
    for _ in several(rng, 0, 2):
        crew.add(bush, behind)
    for _ in several(rng, 1, 3):
        crew.add(lamp_post, (far * 1.02, far * 1.15) if rng.random() < 0.6 else front)
    for _ in several(rng, 1, 3):
        crew.add(sign, (far * 1.02, far * 1.1) if rng.random() < 0.5 else front)
    for _ in several(rng, 2, 4):
        crew.add(car, lanes, speed=(0, 9))
    for _ in several(rng, 2, 4):
        crew.add(person, behind if rng.random() < 0.25 else (1.5, far * 0.85), speed=(1, 5))
    for _ in several(rng, 1, 2):
        crew.add_ball((1.3, far * 0.8))


def _avenue(crew: Crew) -> None:
    """Seen along the road: houses, trees and lamps on both sides, cars and people on the road and across it."""
    rng = crew.rng
    for side in (-1, 1):
        far_off, close = ((-0.75, -0.45), (-0.62, -0.34)) if side < 0 else ((0.45, 0.75), (0.34, 0.62))
        for _ in several(rng, 1, 2):
            crew.add(house, (4.0, 6.5), far_off)
        for _ in several(rng, 1, 2):
            crew.add(tree, (2.6, 5.0), close)
        crew.add(lamp_post, (2.0, 4.5), close)
        if rng.random() < 0.7:
            crew.add(sign, (1.8, 3.5), close)
    for _ in several(rng, 2, 4):
        crew.add(car, (2.2, 4.5), (-0.6, 0.6), speed=(0, 9), approach=0.2)
    for _ in several(rng, 2, 5):
        crew.add(person, (1.5, 3.6), (-0.7, 0.7), speed=(0.5, 4.5), approach=0.12)
    for _ in several(rng, 1, 2):
        crew.add_ball((1.3, 3.2))
