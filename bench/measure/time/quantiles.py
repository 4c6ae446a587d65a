"""Quantiles of times with confidence intervals that hold for any distribution. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True)
class QuantileInterval:
    """A quantile and the ends of its confidence interval, in the samples' unit."""

    value: float
    low: float
    high: float

    @property
    def relative_width(self) -> float:
        """The whole width of the interval over the quantile."""
        return (self.high - self.low) / self.value


def quantile_interval(
    samples: Sequence[float], share: float, confidence: float = CONFIDENCE
) -> QuantileInterval | None:
    """The value that `share` (0..1) of times do not exceed, and its confidence interval; None with too few samples.

    The interval runs from one order statistic (the k-th smallest sample) to another. How many of n samples lie below
    the true quantile follows the binomial distribution, whatever the times look like; the two are the closest for
    which the quantile lies outside with a chance of at most (1 - confidence) / 2 on either side. `least_samples` says
    how many samples there must be. They must be independent and their number fixed beforehand: the interval bounds
    noise between frames, not drift of the machine. The quantile itself is interpolated linearly.

    >>> quantile_interval([5.0, 1.0, 3.0, 2.0, 6.0, 4.0], 0.5)
    QuantileInterval(value=3.5, low=1.0, high=6.0)
    >>> quantile_interval([5.0, 1.0, 3.0, 2.0, 4.0], 0.5) is None
    True
    """
    from scipy.stats import quantile_test

    times = np.asarray(samples, dtype=float)
    if not len(times):
        return None
    interval = quantile_test(times, p=share).confidence_interval(confidence)
    if np.isnan(interval.low) or np.isnan(interval.high):
        return None
    return QuantileInterval(float(np.quantile(times, share)), float(interval.low), float(interval.high))


def median_interval(samples: Sequence[float], confidence: float = CONFIDENCE) -> QuantileInterval | None:
    """The median and its confidence interval; None if there are too few samples for one (6 are needed at 95 %)."""
    return quantile_interval(samples, 0.5, confidence)


def least_samples(share: float, confidence: float = CONFIDENCE) -> int:
    """How many samples a quantile's interval takes.

    The chance that all samples lie on one side of the quantile must be at most (1 - confidence) / 2.

    >>> [least_samples(share) for share in (0.5, 0.9, 0.99)]
    [6, 36, 368]
    """
    return math.ceil(math.log((1 - confidence) / 2) / math.log(max(share, 1 - share)))
