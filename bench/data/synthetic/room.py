"""A room: its layers and its camera."""

from __future__ import annotations

import numpy as np

from bench.data.synthetic import room_backdrops as backdrops
from bench.data.synthetic.camera import Camera, random_camera
from bench.data.synthetic.crew import Crew, several
from bench.data.synthetic.room_things import floor_lamp, furniture, plant
from bench.data.synthetic.stage import Layer, Stage
from bench.data.synthetic.walkers import person

_EYE, _METRE = 118.0, 84.0
"""Units under the horizon of the ground at depth 1, and units a metre there: eyes are 1.4 metres up."""


def make_room(rng: np.random.Generator, size: tuple[int, int]) -> tuple[list[Layer], Camera]:
    """The layers of a room, the farthest first, and the camera."""
    travels = 0.0 if rng.random() < 0.6 else float(rng.choice([-1, 1]) * rng.uniform(1, 3))
    camera = random_camera(rng, size, travels, sway=40.0)
    stage = Stage(float(rng.uniform(-34, -10)), _EYE, _METRE, camera)
    pixels = size[0] / 192 * 1.3
    width = 2 * camera.reach()
    back = float(rng.uniform(2.7, 4.2))
    layers = [
        stage.backdrop(backdrops.wall(rng, width, pixels), back, stage.horizon + _EYE / back),
        stage.ground(backdrops.floor(rng, width, pixels, _EYE, back), back - 0.01),
    ]
    crew = Crew(rng, stage, layers, pixels * _METRE)
    along_wall, open_floor = (back * 0.86, back * 0.95), (1.5, back * 0.8)
    for _ in several(rng, 2, 4):
        crew.add(furniture, along_wall)
    for _ in several(rng, 1, 3):
        crew.add(furniture, open_floor)
    for _ in several(rng, 0, 2):
        crew.add(plant, along_wall if rng.random() < 0.6 else open_floor)
    for _ in several(rng, 1, 2):
        crew.add(floor_lamp, along_wall if rng.random() < 0.6 else open_floor)
    for _ in several(rng, 2, 4):
        crew.add(person, open_floor, speed=(0.5, 4.5), wander=24, approach=0.12)
    for _ in several(rng, 1, 3):
        crew.add_ball(open_floor)
    return layers, camera
