"""Where things are: layers on a ground that a camera looks along.

Things stand on the ground at a depth: 1 is where the ground lies `eye` units under the horizon, 2 where it lies half as
far. A camera that travels sideways shifts what is at depth d by travel / d, and so shears the ground.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor

from bench.data.synthetic.affine import Affine, Number, scale, shift, turn
from bench.data.synthetic.camera import Camera, View, Wave
from bench.data.synthetic.render import Shadow
from bench.data.synthetic.sprite import Sprite


@dataclass(frozen=True)
class Place:
    """Where a layer is: from its texels to pixels, its depth, how often it has come in anew, the shadow it casts."""

    matrix: Affine
    depth: Number
    life: int = 0
    shadow: Shadow | None = None


@dataclass(frozen=True)
class Layer:
    """A sprite and where it is: `place(time, view, life)`; with a life, where it is, was or would be in that life."""

    sprite: Sprite
    place: Callable[[Number, View, int | None], Place]


def _still(time: Number) -> Affine:
    return scale(1)


@dataclass(frozen=True)
class Part:
    """A sprite in metres from a thing's foot, y down.

    Attributes:
        sprite: the picture.
        motion: how it moves against the thing, in metres.
        shadow: half the width of the shadow that it casts on the ground, in metres; 0 for none.

    """

    sprite: Sprite
    motion: Callable[[Number], Affine] = _still
    shadow: Number = 0.0


@dataclass(frozen=True)
class Hop:
    """Bounces: `height` metres, once in `period` ticks."""

    height: Number = 0.0
    period: Number = 1.0

    def at(self, time: Number) -> float:
        """How high it is."""
        x = time / self.period - floor(time / self.period)
        return self.height * 4 * x * (1 - x)


@dataclass(frozen=True)
class Walk:
    """How a thing gets along. When it has left on one side it comes in anew on the other.

    Attributes:
        depth: how far away, about which `approach` swings.
        start: where it is first; -1 and 1 are just out of sight.
        width: in metres.
        speed: units at depth 1 a tick.
        wander: added to its way, in units at depth 1.
        approach: added to its depth.
        lift: how it leaves the ground.

    """

    depth: Number
    start: Number
    width: Number
    speed: Number
    wander: Wave
    approach: Wave
    lift: Hop


@dataclass(frozen=True)
class Stage:
    """What everything in a scene shares: horizon and eye height in units, units a metre at depth 1, the camera."""

    horizon: Number
    eye: Number
    metre: Number
    camera: Camera

    def backdrop(self, sprite: Sprite, depth: Number, foot: Number = 0.0) -> Layer:
        """An endless layer that faces the camera; a metre of its sprite is a unit of the scene, y = 0 at `foot`."""

        def place(time: Number, view: View, life: int | None) -> Place:
            return Place(view.to_pixels @ shift(-view.travel / depth, foot) @ sprite.to_object, depth)

        return Layer(sprite, place)

    def ground(self, sprite: Sprite, depth: Number) -> Layer:
        """The ground, painted as if at `depth`; a metre of its sprite is a unit of the scene, y = 0 the horizon."""

        def place(time: Number, view: View, life: int | None) -> Place:
            shear = Affine(1, -view.travel / self.eye, 0, 0, 1, self.horizon)
            return Place(view.to_pixels @ shear @ sprite.to_object, depth)

        return Layer(sprite, place)

    def stand(self, part: Part, walk: Walk, order: int = 0) -> Layer:
        """A thing on the ground, or a part of one; those of a higher order cover others of the same thing."""
        reach = self.camera.reach() * (walk.depth + walk.approach.amplitude) + walk.width * self.metre

        def place(time: Number, view: View, life: int | None) -> Place:
            depth = walk.depth + walk.approach.at(time)
            way = walk.start * reach + walk.speed * time + walk.wander.at(time) - view.travel
            if life is None:
                life = floor((way + reach) / (2 * reach))
            foot = shift((way - 2 * reach * life) / depth, self.horizon + self.eye / depth)
            stand = view.to_pixels @ foot @ scale(self.metre / depth)
            pose = shift(0, -walk.lift.at(time)) @ part.motion(time)
            half = part.shadow * stand.xx
            shadow = Shadow(*stand.point(0, 0), half, half * 0.22 + 1) if half else None
            return Place(stand @ pose @ part.sprite.to_object, depth - order * 1e-6, life, shadow)

        return Layer(part.sprite, place)


def swing(wave: Wave, x: Number, y: Number) -> Callable[[Number], Affine]:
    """A part that swings about a joint x metres right of the thing's foot and y up; the wave is of half the angle."""
    return lambda time: shift(x, -y) @ turn(wave.at(time)) @ shift(-x, y)


def roll(turns: Number, radius: Number) -> Callable[[Number], Affine]:
    """A part that turns about the point `radius` metres above the thing's foot, so many turns a tick."""

    def motion(time: Number) -> Affine:
        quarters = turns * time * 4
        whole = floor(quarters)
        # Within a quarter, half-angle tangents from 0 to sqrt(2) - 1 go nearly as the angle does.
        about = turn((quarters - whole) * 0.41421356237309503)
        for _ in range(whole % 4):
            about = Affine(0, -1, 0, 1, 0, 0) @ about
        return shift(0, -radius) @ about @ shift(0, radius)

    return motion
