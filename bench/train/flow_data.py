"""Training clips of a flow network: `flying-shapes`, or a data set's clips with ground-truth flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bench.data import open_dataset
from bench.data.flying_shapes import flying_pair
from bench.data.options import frame_size, parse_options, whole_number
from bench.train.data import training_clips
from mpvss.errors import UserError
from mpvss.training.pairs import TrainingClip

KIND = "flying-shapes"
OPTIONS = {"pairs": whole_number, "seed": whole_number, "size": frame_size}


@dataclass(frozen=True)
class FlyingShapes:
    """`pairs` pairs of `size` (height, width) pixels, from `seed`."""

    pairs: int = 10000
    seed: int = 0
    size: tuple[int, int] = (192, 320)

    def __post_init__(self) -> None:
        if self.pairs < 1:
            raise UserError(f"{KIND}: pairs is {self.pairs}; it must be 1 or more")


class FlyingPair:
    """A pair as a clip of two frames, the first of which is the key frame."""

    labelled: Sequence[int] = (1,)

    def __init__(self, options: FlyingShapes, index: int) -> None:
        self.name = f"{KIND}-{options.seed}-{index}"
        self._what = (options.seed, index, options.size)

    def frame(self, index: int) -> tuple[np.ndarray, None]:
        """The current frame (1) or the key frame (0); there are no labels."""
        return _pair(*self._what)[1 - index], None

    def flow(self, index: int, key: int) -> tuple[np.ndarray, np.ndarray]:
        """Backward flow from frame 1 to frame 0, and which pixels are occluded."""
        assert (index, key) == (1, 0)
        _, _, flow, occluded = _pair(*self._what)
        return flow, occluded


def open_flow_clips(spec: str, cache_gb: float) -> tuple[list[TrainingClip], str]:
    """The clips of a spec, `flying-shapes:pairs=10000,seed=1,size=96x160` or a data set's; and their identity.

    Raises:
        UserError: an unknown option of flying-shapes or a bad value of one, a data set without ground-truth flow.
    """
    kind, _, rest = spec.partition(":")
    if kind != KIND:
        dataset = open_dataset(spec)
        return list(training_clips(dataset, with_flow=True, cache_gb=cache_gb)), dataset.identity
    options = FlyingShapes(**parse_options(KIND, rest, OPTIONS))
    pairs: list[TrainingClip] = [FlyingPair(options, index) for index in range(options.pairs)]
    return pairs, f"{KIND}:{options}"


@lru_cache(maxsize=64)  # an example asks for the frames and the flow one after the other
def _pair(seed: int, index: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return flying_pair(seed, index, size)
