"""Putting things on a stage at random."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.data.synthetic.affine import Number
from bench.data.synthetic.camera import Wave, random_wave
from bench.data.synthetic.stage import Hop, Layer, Part, Stage, Walk
from bench.data.synthetic.walkers import ball

Draw = Callable[[np.random.Generator, float], tuple[list[Part], float]]
"""A function from texels per metre to a thing's parts and its width in metres."""


def several(rng: np.random.Generator, low: int, high: int) -> range:
    """A range to loop over, whose length is drawn between two numbers."""
    return range(int(rng.integers(low, high + 1)))


class Crew:
    """Puts things on a stage."""

    def __init__(self, rng: np.random.Generator, stage: Stage, layers: list[Layer], density: Number) -> None:
        self.rng, self._stage, self._layers, self._density = rng, stage, layers, density

    def add(
        self,
        draw: Draw,
        depth: tuple[Number, Number],
        start: tuple[Number, Number] = (-0.95, 0.95),
        speed: tuple[Number, Number] = (0.0, 0.0),
        wander: Number = 0.0,
        approach: Number = 0.0,
        lift: Hop | None = None,
    ) -> None:
        """Draw a thing and put it at a random depth and place within these ranges.

        `speed`, units at depth 1 a tick, goes either way; `approach` is a share of the depth.
        """
        rng = self.rng
        away = float(rng.uniform(*depth))
        parts, width = draw(rng, self._density / away)
        walk = Walk(
            depth=away,
            start=float(rng.uniform(*start)),
            width=width,
            speed=float(rng.choice([-1, 1]) * rng.uniform(*speed)),
            wander=random_wave(rng, wander * float(rng.uniform(0.3, 1)), 35, 80) if wander else Wave(),
            approach=random_wave(rng, away * approach * float(rng.uniform(0.3, 1)), 40, 90) if approach else Wave(),
            lift=lift or Hop(),
        )
        self._layers.extend(self._stage.stand(part, walk, order) for order, part in enumerate(parts))

    def add_ball(self, depth: tuple[Number, Number]) -> None:
        """A ball that rolls or bounces."""
        turns = float(self.rng.uniform(-0.06, 0.06))
        bounces = self.rng.random() < 0.6
        hop = Hop(float(self.rng.uniform(0.2, 0.7)), float(self.rng.uniform(12, 22))) if bounces else None
        self.add(lambda rng, density: ball(rng, density, turns), depth, speed=(1, 4.5), approach=0.15, lift=hop)
