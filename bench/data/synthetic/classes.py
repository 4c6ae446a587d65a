"""The classes of synthetic clips and the colours they are shown in."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

CLASSES = {
    "sky": (142, 202, 230),
    "building": (173, 131, 109),
    "road": (92, 92, 104),
    "ground": (214, 196, 170),
    "vegetation": (96, 153, 88),
    "pole": (240, 168, 48),
    "sign": (236, 222, 76),
    "car": (52, 106, 184),
    "person": (222, 72, 84),
    "ball": (234, 120, 188),
    "wall": (196, 188, 224),
    "furniture": (126, 74, 140),
}
"""Class names in the order of their ids. Ground is what one walks on: pavement outdoors, floor indoors."""

NAMES = tuple(CLASSES)
SKY, BUILDING, ROAD, GROUND, VEGETATION, POLE, SIGN, CAR, PERSON, BALL, WALL, FURNITURE = range(len(CLASSES))
NOTHING = 255
"""The label of transparent texels of a sprite."""


def palette() -> UInt8[np.ndarray, "c 3"]:
    """The RGB colour of each class."""
    return np.array(list(CLASSES.values()), np.uint8)
