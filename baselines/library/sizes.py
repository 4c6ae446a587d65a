"""The size an image processor resizes a frame to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mpvss.errors import UserError

Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True)
class Resizing:
    """Maps the size of a frame to the size that a network sees.

    Attributes:
        target: `height` and `width`; or `shortest_edge`, with or without `longest_edge`; or `max_height` and
            `max_width`.
        cubic: bicubic instead of bilinear.
        multiple: both sides are made a multiple of it, upwards.
        nearest_multiple: both sides are made the nearest multiple of it (DPT).
        keep_aspect: `height` and `width` are reached on the side that needs less scaling; the other follows (DPT).

    """

    target: Mapping[str, int]
    cubic: bool = False
    multiple: int = 1
    nearest_multiple: int = 1
    keep_aspect: bool = False

    def __post_init__(self) -> None:
        if not any(set(form) <= set(self.target) for form in _FORMS):
            forms = "; ".join(" and ".join(form) for form in _FORMS)
            raise UserError(f"the image processor's size is {dict(self.target)}; known are {forms}")

    def __call__(self, size: Size) -> Size:
        """The size after resizing."""
        height, width = self._resized(size)
        return height + -height % self.multiple, width + -width % self.multiple

    def _resized(self, size: Size) -> Size:
        target = self.target
        if "height" in target:
            return self._to_box(size, (target["height"], target["width"]))
        if "shortest_edge" in target:
            return by_short_side(size, target["shortest_edge"], target.get("longest_edge"))
        scale = min(target["max_height"] / size[0], target["max_width"] / size[1])
        return int(size[0] * scale), int(size[1] * scale)

    def _to_box(self, size: Size, box: Size) -> Size:
        scales = [wanted / side for wanted, side in zip(box, size, strict=True)]
        if self.keep_aspect:
            down, across = scales
            scales = [across if abs(1 - across) < abs(1 - down) else down] * 2
        step = self.nearest_multiple
        height, width = (round(scale * side / step) * step for scale, side in zip(scales, size, strict=True))
        return height, width


def by_short_side(size: Size, short: int, longest: int | None = None) -> Size:
    """The size whose shorter side is `short`, or less where the longer one would be above `longest`."""
    low, high = sorted(size)
    exact = float(short)
    if longest and high / low * short > longest:
        exact = longest * low / high
        short = round(exact)
    if low == short:
        return size
    long = int(exact * high / low)
    return (long, short) if size[1] < size[0] else (short, long)


def up_to_multiple(side: int, multiple: int) -> int:
    """The least multiple that is not below `side`."""
    return math.ceil(side / multiple) * multiple


_FORMS = (("height", "width"), ("shortest_edge",), ("max_height", "max_width"))
