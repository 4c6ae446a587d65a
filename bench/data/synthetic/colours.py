"""Colours: one of a class's usual ones, varied from thing to thing."""

from __future__ import annotations

import numpy as np

from bench.data.synthetic.affine import Number
from bench.data.synthetic.sprite import Colour

BRIGHT = ((206, 46, 42), (40, 92, 186), (238, 196, 48), (36, 140, 90), (232, 232, 228), (46, 48, 54), (150, 60, 140))
"""Paint, plastic and cloth."""


def jitter(rng: np.random.Generator, colour: Colour, spread: Number, tint: Number = 0.4) -> Colour:
    """A colour made brighter or darker by up to `spread`, and shifted in tint by a share of that."""
    light = rng.uniform(-spread, spread)
    red, green, blue = (float(channel + light + rng.uniform(-spread, spread) * tint) for channel in colour)
    return red, green, blue


def pick(rng: np.random.Generator, colours: tuple[Colour, ...], spread: Number = 14.0) -> Colour:
    """One of some colours, varied."""
    return jitter(rng, colours[int(rng.integers(len(colours)))], spread)


def green(rng: np.random.Generator) -> Colour:
    """A colour of grass and leaves."""
    return pick(rng, ((70, 108, 52), (92, 124, 60), (54, 88, 60), (120, 122, 58)), 16)
