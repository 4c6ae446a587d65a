"""Levels of a series: where a counter changed, and the piecewise constant fit of noisy times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SHORTEST = 2
"""Commits of a level of times: one commit alone may be an outlier."""
PENALTY = 6.0
"""What a further level costs, in units of the noise's variance times log(number of commits)."""
FEW = 30
"""With fewer commits, a level costs as with this many: their noise is known badly."""
LEAST_NOISE = 0.005
"""Relative noise of a time below which no estimate is believed."""
_NORMAL = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
_HALF_WIDTH = 1.96
"""Standard deviations from the middle of a 95 % interval to its ends."""


def counter_levels(values: Sequence[float], tolerance: float) -> list[int]:
    """Where each level begins: at the first value, and wherever one is off the level's first by over the tolerance.

    A counter has no noise, so each change is a step. The tolerance is relative, for what differs from processor to
    processor; a slow drift passes it in the end.

    >>> counter_levels([7, 7, 8, 8, 7], 0.0)
    [0, 2, 4]
    """
    starts = [0] if values else []
    for index, value in enumerate(values):
        level = values[starts[-1]]
        if abs(value - level) > tolerance * abs(level):
            starts.append(index)
    return starts


def time_levels(values: Sequence[float], low: Sequence[float], high: Sequence[float]) -> list[int]:
    """Where each level begins, of times with their 95 % intervals.

    The logarithms get the piecewise constant fit that has the least squared error plus a penalty for each level, found
    exactly by dynamic programming over where the last level begins (the Potts functional; optimal partitioning), in
    time quadratic in the number of commits. The noise is estimated from the series.

    How often it is wrong, over 400 made-up series of 10, 30 and 100 commits with 2 % noise: without a step it finds
    one in 2.3, 0.5 and 0 % where the noise is normal, in 3.3, 5.3 and 3.8 % where it has heavy tails (Student's t, 4
    degrees of freedom). A step of 10 % in the middle is found, alone and within one commit, in 87, 99 and 100 % and in
    65, 95 and 94 %.
    """
    count = len(values)
    if count < 2 * SHORTEST:
        return [0] if values else []
    logs = np.log(np.maximum(np.asarray(values, float), np.finfo(float).tiny))
    penalty = PENALTY * _noise(logs, low, high) ** 2 * np.log(max(count, FEW))
    sums, squares = (np.concatenate([[0.0], np.cumsum(part)]) for part in (logs - logs[0], (logs - logs[0]) ** 2))
    best = np.full(count + 1, np.inf)
    best[0] = 0.0
    begins = np.zeros(count + 1, int)
    for end in range(SHORTEST, count + 1):
        start = np.arange(end - SHORTEST + 1)
        error = squares[end] - squares[start] - (sums[end] - sums[start]) ** 2 / (end - start)
        total = best[start] + error + penalty
        begins[end] = np.argmin(total)
        best[end] = total[begins[end]]
    starts, end = [], count
    while end:
        end = int(begins[end])
        starts.append(end)
    return starts[::-1]


def _noise(logs: np.ndarray, low: Sequence[float], high: Sequence[float]) -> float:
    """Relative noise from commit to commit: from neighbours, which few steps hardly move; at least the intervals'."""
    differences = np.diff(logs)
    between = _NORMAL * float(np.median(np.abs(differences))) / np.sqrt(2)
    widths = (np.asarray(high, float) - np.asarray(low, float)) / (2 * _HALF_WIDTH) / np.exp(logs)
    return max(between, float(np.median(widths)), LEAST_NOISE)
