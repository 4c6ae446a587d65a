"""The data set `synthetic`: clips of streets and rooms, split by seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bench.data.clip import Clip, Dataset, Frame
from bench.data.synthetic.classes import NAMES, palette
from bench.data.synthetic.scene import SMALLEST, Scene
from mpvss.errors import UserError

SPLITS = ("train", "val", "test")
_MOST = 1_000_000
"""The number of seeds of a data set in a split, and of data sets."""


@dataclass(frozen=True)
class SyntheticOptions:
    """How much to render: `clips` of `frames` frames, `height` x `width` pixels, of a `split`, from `seed`."""

    split: str = "test"
    clips: int = 40
    frames: int = 30
    height: int = 192
    width: int = 320
    seed: int = 0

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise UserError(f"synthetic: split is {self.split!r}; it must be one of {', '.join(SPLITS)}")
        for name, least in (("clips", 1), ("frames", 1), ("height", SMALLEST), ("width", SMALLEST), ("seed", 0)):
            if getattr(self, name) < least:
                raise UserError(f"synthetic: {name} is {getattr(self, name)}; it must be {least} or more")
        for name in ("clips", "seed"):
            if getattr(self, name) >= _MOST:
                raise UserError(f"synthetic: {name} is {getattr(self, name)}; it must be under {_MOST}")


def scene_seed(split: str, clip: int, seed: int = 0) -> int:
    """The seed of a clip's scene. No two splits, and no two seeds of a data set, share one.

    Raises:
        UserError: an unknown split; a clip or seed outside 0..999999.

    """
    if split not in SPLITS:
        raise UserError(f"synthetic: split is {split!r}; it must be one of {', '.join(SPLITS)}")
    if not (0 <= clip < _MOST and 0 <= seed < _MOST):
        raise UserError(f"synthetic: clip {clip} of seed {seed}; both must be within 0..{_MOST - 1}")
    return (SPLITS.index(split) * _MOST + seed) * _MOST + clip


def open_synthetic(options: SyntheticOptions) -> Dataset:
    """A data set of synthetic clips, alternating streets and rooms; every pixel of every frame is labelled."""
    return Dataset(
        name="synthetic",
        clips=tuple(_clip(options, number) for number in range(options.clips)),
        class_names=NAMES,
        palette=palette(),
        identity=f"synthetic:split={options.split},clips={options.clips},frames={options.frames},"
        f"size={options.height}x{options.width},seed={options.seed}",
    )


def _clip(options: SyntheticOptions, number: int) -> Clip:
    seed = scene_seed(options.split, number, options.seed)

    size = (options.height, options.width)

    def flow(index: int, earlier: int) -> tuple[np.ndarray, np.ndarray]:
        return _scene(seed, size).flow(index, earlier)

    def read() -> Iterator[Frame]:
        return map(_scene(seed, size).frame, range(options.frames))

    name = f"{options.split}-{number:03d}-{'room' if seed % 2 else 'street'}"
    return Clip(name, read, options.frames, labelled=True, num_classes=len(NAMES), flow=flow)


@lru_cache(maxsize=8)
def _scene(seed: int, size: tuple[int, int]) -> Scene:
    """A scene, cached: making one takes longer than rendering a frame of it."""
    return Scene(seed, size)
