"""Quantiles of times, and the confidence interval of a median. Pure functions."""

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
    """The median and its confidence interval; None if there are too few samples for one.

    The interval is free of assumptions about the distribution: it runs from the k-th smallest to the k-th largest
    sample, and the binomial distribution gives the chance that these enclose the true median. The largest k with a
    chance of at least `confidence` is taken; at 95 % that takes 6 samples. The samples must be independent and their
    number fixed beforehand: the interval bounds noise between frames, not drift of the machine.

    >>> median_interval([5.0, 1.0, 3.0, 2.0, 6.0, 4.0])
    MedianInterval(median=3.5, low=1.0, high=6.0)
    >>> median_interval([5.0, 1.0, 3.0, 2.0, 4.0]) is None
    True
    """
    from scipy.stats import quantile_test

    times = np.asarray(samples, dtype=float)
    if not len(times):
        return None
    interval = quantile_test(times, p=0.5).confidence_interval(confidence)
    if np.isnan(interval.low) or np.isnan(interval.high):
        return None
    return MedianInterval(float(np.median(times)), float(interval.low), float(interval.high))


def quantile(samples: Sequence[float], share: float) -> float | None:
    """The value that `share` (0..1) of the samples do not exceed, interpolated linearly; None if there are too few.

    At least one sample must be expected beyond the quantile: p90 needs 10 samples, p99 needs 100.
    """
    beyond = min(share, 1 - share)
    if round(len(samples) * beyond, 9) < 1:
        return None
    return float(np.quantile(np.asarray(samples, dtype=float), share))
