"""How things move: smooth waves, and the camera.

A scene is laid out as the camera sees it at rest, in units of 1/192 of the frame's height, from the frame's middle, y
down; time is counted in ticks. See `bench.data.synthetic.stage` for what stands in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np

from bench.data.synthetic.affine import Affine, Number, scale, shift, turn

UNITS = 192
"""How many units a frame is high."""
FRAMES_A_TICK = 2
"""How many frames show a tick."""


@dataclass(frozen=True)
class Wave:
    """Swings within ± amplitude, once in `period` ticks; parabolas in place of a sine, which machines round apart."""

    amplitude: Number = 0.0
    period: Number = 1.0
    phase: Number = 0.0

    def at(self, time: Number) -> float:
        """The value at a moment."""
        turns = time / self.period + self.phase
        x = turns - floor(turns)
        return self.amplitude * (16 * x * (0.5 - x) if x < 0.5 else -16 * (x - 0.5) * (1 - x))


def random_wave(rng: np.random.Generator, amplitude: Number, shortest: Number, longest: Number) -> Wave:
    """A wave of that amplitude with a period between two, in ticks, at any phase."""
    return Wave(amplitude, float(rng.uniform(shortest, longest)), float(rng.random()))


@dataclass(frozen=True)
class View:
    """The camera at a moment: from units to pixels, and how far it has travelled sideways, in units at depth 1."""

    to_pixels: Affine
    travel: Number


@dataclass(frozen=True)
class Camera:
    """Pans, zooms, rolls, shakes and travels.

    Attributes:
        size: of the frame, height and width in pixels.
        pan: sideways, in units.
        tilt: up and down, in units.
        zoom: about `closeness`; at 1 the scene is as it is laid out.
        closeness: the mean zoom.
        roll: half the angle, in radians.
        shake: two fast waves, sideways and up, in units.
        speed: units at depth 1 a tick, that it travels sideways.
        sway: added to that way.

    """

    size: tuple[int, int]
    pan: Wave
    tilt: Wave
    zoom: Wave
    closeness: Number
    roll: Wave
    shake: tuple[Wave, Wave]
    speed: Number
    sway: Wave

    def at(self, time: Number) -> View:
        """The view at a moment."""
        height, width = self.size
        look = shift(
            self.pan.at(time) + self.shake[0].at(time),
            self.tilt.at(time) + self.shake[1].at(time),
        )
        zoom = scale(self.closeness + self.zoom.at(time)) @ turn(self.roll.at(time))
        frame = shift((width - 1) / 2, (height - 1) / 2) @ scale(height / UNITS)
        return View(frame @ zoom @ look, self.speed * time + self.sway.at(time))

    def reach(self) -> float:
        """How far from the middle, sideways, something can be seen in the scene as it is laid out, in units."""
        height, width = self.size
        half = (width / height + 0.15) * UNITS / 2
        return half / (self.closeness - self.zoom.amplitude) + self.pan.amplitude + self.shake[0].amplitude


def random_camera(rng: np.random.Generator, size: tuple[int, int], speed: Number, sway: Number) -> Camera:
    """A camera in the hand: it pans, zooms, rolls and shakes, at times strongly.

    Args:
        rng: where it comes from.
        size: of the frame, height and width in pixels.
        speed: at which it travels, in units at depth 1 a tick.
        sway: the most it sways about its way, in units at depth 1.

    """

    def shake() -> Wave:
        return random_wave(rng, float(rng.uniform(0.2, 1.2)), 3, 8)

    return Camera(
        size=size,
        pan=random_wave(rng, float(rng.uniform(3, 16)), 50, 110),
        tilt=random_wave(rng, float(rng.uniform(1, 5)), 30, 70),
        zoom=random_wave(rng, float(rng.uniform(0.02, 0.13)), 40, 90),
        closeness=float(rng.uniform(1.12, 1.25)),
        roll=random_wave(rng, float(rng.uniform(0.0, 0.012)), 24, 60),
        shake=(shake(), shake()),
        speed=speed,
        sway=random_wave(rng, float(rng.uniform(0.2, 1)) * sway, 60, 120),
    )
