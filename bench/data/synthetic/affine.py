"""Maps of the plane, in Python's floats, whose sums and products are the same on every machine."""

from __future__ import annotations

from typing import NamedTuple

Number = float | int


class Affine(NamedTuple):
    """x' = xx·x + xy·y + x1 and y' = yx·x + yy·y + y1. `a @ b` is b first, then a."""

    xx: Number
    xy: Number
    x1: Number
    yx: Number
    yy: Number
    y1: Number

    def __matmul__(self, other: Affine) -> Affine:
        return Affine(
            self.xx * other.xx + self.xy * other.yx,
            self.xx * other.xy + self.xy * other.yy,
            self.xx * other.x1 + self.xy * other.y1 + self.x1,
            self.yx * other.xx + self.yy * other.yx,
            self.yx * other.xy + self.yy * other.yy,
            self.yx * other.x1 + self.yy * other.y1 + self.y1,
        )

    def inverse(self) -> Affine:
        """The inverse map."""
        one = 1 / (self.xx * self.yy - self.xy * self.yx)
        xx, xy, yx, yy = self.yy * one, -self.xy * one, -self.yx * one, self.xx * one
        return Affine(xx, xy, -(xx * self.x1 + xy * self.y1), yx, yy, -(yx * self.x1 + yy * self.y1))

    def point(self, x: Number, y: Number) -> tuple[Number, Number]:
        """The image of a point."""
        return self.xx * x + self.xy * y + self.x1, self.yx * x + self.yy * y + self.y1


def shift(x: Number, y: Number) -> Affine:
    """A shift by (x, y)."""
    return Affine(1, 0, x, 0, 1, y)


def scale(x: Number, y: Number | None = None) -> Affine:
    """A scaling about the origin."""
    return Affine(x, 0, 0, 0, x if y is None else y, 0)


def turn(half: Number) -> Affine:
    """A rotation about the origin by twice the angle whose tangent is `half`: clockwise where y points down."""
    one = 1 / (1 + half * half)
    cosine, sine = (1 - half * half) * one, 2 * half * one
    return Affine(cosine, -sine, 0, sine, cosine, 0)
