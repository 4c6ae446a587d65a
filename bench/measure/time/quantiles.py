"""Quantiles of times, and how sure a median is. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True)
class MedianInterval:
    """A median and the ends of its confidence interval, in the samples' unit."""

    median: float
    low: float
    high: float

    @property
    def relative_width(self) -> float:
        """The whole width of the interval over the median."""
        return (self.high - self.low) / self.median


def median_interval(samples: Sequence[float], confidence: float = CONFIDENCE) -> MedianInterval | None:
    """The median and a confidence interval that holds for any continuous distribution; None of too few samples.

    Each sample is below the true median with chance 1/2, so how many are is binomial, and the k-th smallest and k-th
    largest sample enclose it with a chance that k alone decides. The largest k with a chance of at least `confidence`
    is taken; at 95 % that takes 6 samples. It holds for independent samples and a number of them fixed beforehand:
    neighbouring frames share the machine's mood, so it is a bound on noise between frames, not on drift.
    """
    from scipy.stats import binom

    ordered = np.sort(np.asarray(samples, dtype=float))
    k = int(binom.ppf((1 - confidence) / 2, len(ordered), 0.5)) if len(ordered) else 0
    if k < 1:
        return None
    return MedianInterval(float(np.median(ordered)), float(ordered[k - 1]), float(ordered[-k]))


def quantile(samples: Sequence[float], share: float) -> float | None:
    """The value that `share` (0..1) of the samples do not exceed, interpolated linearly; None of too few samples.

    A quantile is given where one sample or more is expected beyond it: p90 of 10 samples, p99 of 100.
    """
    beyond = min(share, 1 - share)
    if round(len(samples) * beyond, 9) < 1:
        return None
    return float(np.quantile(np.asarray(samples, dtype=float), share))
