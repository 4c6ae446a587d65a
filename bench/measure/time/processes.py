"""What several processes say together about one time. Pure functions.

The samples of one process resemble each other: where its memory lies, what else runs meanwhile and how fast the clock
is make a process fast or slow as a whole. So a process is one observation, however many samples it has, and an
interval comes from how processes differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.measure.time.quantiles import CONFIDENCE, quantile_interval


@dataclass(frozen=True)
class MeanOfLogs:
    """The mean of the logarithms of several processes' times, with what its interval takes.

    Attributes:
        mean: of the logarithms.
        variance: of the mean, from the spread between processes.
        freedom: degrees of freedom of that variance.

    """

    mean: float
    variance: float
    freedom: float

    def bounds(self, confidence: float) -> tuple[float, float]:
        """Ends of Student's interval of the mean, as times (not logarithms)."""
        from scipy.stats import t

        if self.variance == 0:
            return math.exp(self.mean), math.exp(self.mean)
        half = float(t.ppf((1 + confidence) / 2, self.freedom)) * math.sqrt(self.variance)
        return math.exp(self.mean - half), math.exp(self.mean + half)

    def p_value(self) -> float:
        """p-value of the two-sided test that the mean is 0."""
        from scipy.stats import t

        if self.variance == 0:
            return 1.0 if self.mean == 0 else 0.0
        return float(2 * t.sf(abs(self.mean) / math.sqrt(self.variance), self.freedom))


def mean_of_logs(values: Sequence[float]) -> MeanOfLogs | None:
    """The mean of the logarithms of times, one of each process; None of fewer than two processes."""
    if len(values) < 2:
        return None
    logs = np.log(np.asarray(values, dtype=float))
    return MeanOfLogs(float(logs.mean()), float(logs.var(ddof=1)) / len(logs), len(logs) - 1)


def difference_of_logs(base: Sequence[float], new: Sequence[float]) -> MeanOfLogs | None:
    """The mean of the logarithms of `new` minus that of `base`, a time of each process; None if a side has under two.

    The sides may vary differently (Welch's approximation).
    """
    before, after = mean_of_logs(base), mean_of_logs(new)
    if before is None or after is None:
        return None
    variance = before.variance + after.variance
    spread = before.variance**2 / before.freedom + after.variance**2 / after.freedom
    freedom = variance**2 / spread if spread > 0 else before.freedom + after.freedom
    return MeanOfLogs(after.mean - before.mean, variance, freedom)


def quantile_bounds(
    processes: Sequence[Sequence[float]], share: float, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """Bounds of the value that `share` (0..1) of times do not exceed; None with too few samples for them.

    The wider of two intervals on either side: that by order statistics, of all samples, and Student's, of the
    processes' own quantiles, which holds what varies between them. Of one process it is the first.
    """
    pooled = quantile_interval([time for process in processes for time in process], share, confidence)
    if pooled is None:
        return None
    found = mean_of_logs([float(np.quantile(times, share)) for times in processes])
    low, high = (pooled.low, pooled.high) if found is None else found.bounds(confidence)
    return min(low, pooled.low), max(high, pooled.high)
