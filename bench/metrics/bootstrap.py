"""Bootstrap confidence intervals of a measure, over the clips of a data set.

Whole clips are resampled, since frames of one clip are alike. Cells under comparison are scored on the same clips,
which are resampled together, so that what makes a clip hard for both cancels in the difference.

Counts are pixels of (intersection, truth, predicted) for each clip, distance from the key frame (one entry where frames
are not scored by distance) and class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from bench.metrics.iou import iou_of_counts, mean_over_classes
from mpvss.errors import UserError

RESAMPLES = 5000
CONFIDENCE = 0.95

Counts = Int64[np.ndarray, "clips _ _ 3"]
Measure = Callable[[Float64[np.ndarray, "n d c 3"]], Float64[np.ndarray, " n"]]
"""A function from n sums of counts over clips to the n values of a measure; nan where a sum holds no pixel."""


@dataclass(frozen=True)
class Interval:
    """An estimate from all clips, and the bounds of its confidence interval."""

    estimate: float
    low: float
    high: float


def mean_iou_of_counts(counts: Float64[np.ndarray, "n d c 3"]) -> Float64[np.ndarray, " n"]:
    """`mean_iou`, averaged over the distances."""
    return mean_over_classes(_iou(counts), counts[..., 1] > 0).mean(axis=-1)


def weighted_iou_of_counts(counts: Float64[np.ndarray, "n d c 3"]) -> Float64[np.ndarray, " n"]:
    """`weighted_iou`, averaged over the distances."""
    return mean_over_classes(_iou(counts), counts[..., 1]).mean(axis=-1)


def bootstrap(
    terms: Sequence[tuple[float, Counts]],
    measure: Measure,
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Interval | None:
    """The percentile interval of a weighted sum of measures of cells that were scored on the same clips.

    One cell's measure is (1, counts) alone; a difference is (1, counts) and (-1, others); "a falls
    by less than half as much as b from interval 2 to 10" is whether (1, a2), (-1, a10), (-0.5, b2), (0.5, b10) lies
    under 0.

    Args:
        terms: weight and counts of each cell, the clips in the same order.
        measure: of each sum over clips.
        resamples: how many resamples of the clips are drawn, with replacement.
        confidence: the share of resamples that the interval holds.
        seed: seeds the resampling; cells with the same number of clips are resampled alike.

    Returns:
        None for fewer than two clips, or where no pixel is labelled.

    Raises:
        UserError: no cell, cells with different numbers of clips, no resample, a confidence not between 0 and 1.

    """
    sizes = sorted({len(counts) for _, counts in terms})
    if len(sizes) != 1:
        raise UserError(f"the cells have {', '.join(map(str, sizes)) or 'no'} clips; they must share their clips")
    if resamples < 1 or not 0 < confidence < 1:
        raise UserError(
            f"resamples is {resamples} and confidence {confidence}; they must be 1 or more, and between 0 and 1"
        )
    (clips,) = sizes
    if clips < 2:
        return None
    times_drawn = np.random.default_rng(seed).multinomial(clips, np.full(clips, 1 / clips), resamples)
    times_drawn = np.vstack([np.ones(clips), times_drawn])  # first, all clips as they are
    values = sum(weight * measure(np.tensordot(times_drawn, counts, axes=1)) for weight, counts in terms)
    assert isinstance(values, np.ndarray)
    estimate, resampled = values[0], values[1:]
    if np.isnan(estimate):
        return None
    low, high = np.nanquantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(estimate), float(low), float(high))


def _iou(counts: Float64[np.ndarray, "n d c 3"]) -> Float64[np.ndarray, "n d c"]:
    intersection, truth, predicted = np.moveaxis(counts, -1, 0)
    return iou_of_counts(intersection, truth, predicted)
