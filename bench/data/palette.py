"""Default colours and names of classes."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8


def colour_map(num_classes: int) -> UInt8[np.ndarray, "c 3"]:
    """A distinct RGB colour for each class, none of them black.

    The bits of id + 1 go to red, green and blue in turn, the lowest to each channel's highest bit (as in the PASCAL
    VOC colour map, whose entry 0 is black), so that neighbouring ids get colours far apart.
    """
    ids = np.arange(1, num_classes + 1)
    colours = np.zeros((num_classes, 3), np.uint8)
    for bit in range(8):
        colours[:, bit % 3] |= (((ids >> bit) & 1) << (7 - bit // 3)).astype(np.uint8)
    return colours


def numbered_names(num_classes: int) -> tuple[str, ...]:
    """Names for classes of which only the number is known: `class 0`, `class 1`, and so on."""
    return tuple(f"class {id}" for id in range(num_classes))
