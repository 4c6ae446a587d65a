"""Whether the times of two sides differ, judged by how much processes of one side differ among themselves.

The samples of one process resemble each other, and each process is fast or slow as a whole. So a process is one
observation: the logarithm of its typical time. Student's t (Welch's for two runs, that of the pairs for runs taken in
turn) gives a p-value and an interval of the ratio, which hold what varies between processes. More samples of one
process do not narrow them; more processes do.

How often it is wrong, in 1,000 pairs of runs at a floor of 5 % and alpha 1 %. Frames have log-normal noise of 3 % and
2 % of outliers, each process a mood of its own (standard deviation of the logarithm), and the machine's speed walks at
random from process to process (`tests/compare/test_significance.py` draws them anew):

| mood | drift | processes a side | a verdict where nothing changed | SAME where nothing changed | SLOWER, 5 % | 10 % |
| ---: | ---: | --- | ---: | ---: | ---: | ---: |
| 0.5 % | 0 | 5 | 0.0 % | 100 % | 50 % | 100 % |
| 1 % | 0 | 5 | 0.0 % | 98 % | 50 % | 100 % |
| 2 % | 0 | 5 | 0.0 % | 40 % | 41 % | 99 % |
| 2 % | 0 | 10 | 0.0 % | 97 % | 51 % | 100 % |
| 4 % | 0 | 5 | 0.7 % | 1 % | 12 % | 57 % |
| 4 % | 0 | 10 | 0.3 % | 10 % | 39 % | 98 % |
| 1 % | 3 % | 5, one run after the other | 19 % | 5 % | 40 % | 70 % |
| 1 % | 3 % | 5, in turn | 0.0 % | 84 % | 47 % | 100 % |

Of a change as large as the floor half are found, since half of them measure below it. A machine that drifts misleads
two runs taken one after the other, whatever the test; runs taken in turn (`compare --ab`) are what helps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.measure.time.processes import MeanOfLogs, difference_of_logs, mean_of_logs
from mpvss.errors import UserError

TimeVerdict = Literal["SAME", "FASTER", "SLOWER", "UNCLEAR"]
Processes = Sequence[float]
"""The typical time of each process of a side, as the median of its samples."""

CONFIDENCE = 0.99
"""Confidence of the interval of the ratio."""
MINIMUM_PROCESSES = 5
"""Processes that each side needs; with fewer, the verdict is UNCLEAR.

If processes had two moods, as likely one as the other, all of one side would be of one and all of the other side of the
other in 2 of 2^10 comparisons: 0.2 %. With four it would be 0.8 %, with three 3 %.
"""


@dataclass(frozen=True)
class Difference:
    """The new times against the base ones."""

    base: float
    new: float
    """Geometric mean over the processes, in the unit of the times."""
    ratio: float
    """New over base: above 1 is slower."""
    low: float
    high: float
    """Ends of the interval of the ratio; 0 and infinity where a side has one process."""
    p_value: float
    """p-value of the two-sided test that the ratio is 1; 1 where a side has one process."""
    processes: tuple[int, int]
    """How many there are on each side."""


@dataclass(frozen=True)
class Judgement:
    """A verdict, what it rests on, and why it is not more definite (empty where it is definite)."""

    verdict: TimeVerdict
    difference: Difference
    reason: str = ""


def compare_times(
    base: Processes, new: Processes, *, paired: bool = False, confidence: float = CONFIDENCE
) -> Difference:
    """Compare the times of two sides, one of each process, in one unit.

    Args:
        base: above 0.
        new: above 0.
        paired: whether process i of both sides ran in turn, so that what disturbed one disturbed the other.
        confidence: of the interval.

    Raises:
        UserError: a side is empty, or pairs are asked for and the sides have different numbers of processes.
    """
    if not len(base) or not len(new):
        raise UserError(f"there are {len(base)} base and {len(new)} new processes; each side needs one or more")
    if paired and len(base) != len(new):
        raise UserError(f"{len(base)} and {len(new)} processes are no pairs")
    found: MeanOfLogs | None
    if paired:
        found = mean_of_logs([late / early for early, late in zip(base, new, strict=True)])
    else:
        found = difference_of_logs(base, new)
    middles = [math.exp(float(np.log(side).mean())) for side in (base, new)]
    low, high = (0.0, math.inf) if found is None else found.bounds(confidence)
    return Difference(
        base=middles[0],
        new=middles[1],
        ratio=middles[1] / middles[0],
        low=low,
        high=high,
        p_value=1.0 if found is None else found.p_value(),
        processes=(len(base), len(new)),
    )


def judge(
    base: Processes,
    new: Processes,
    *,
    floor: float,
    alpha: float,
    negligible: float = 0.0,
    paired: bool = False,
) -> Judgement:
    """Judge the times of two sides.

    SLOWER or FASTER: the test is below `alpha`, the whole interval lies on that side of 1, and the ratio is at least
    `floor` away from 1. SAME: the whole interval is within `floor` of 1. Else UNCLEAR, and always with fewer than
    `MINIMUM_PROCESSES` processes on a side. A change up to `negligible`, in the unit of the times, is within the floor.

    Raises:
        UserError: as `compare_times`.
    """
    difference = compare_times(base, new, paired=paired)
    if min(difference.processes) < MINIMUM_PROCESSES:
        return Judgement("UNCLEAR", difference, too_few(*difference.processes))
    floor = max(floor, negligible / difference.base)
    if difference.p_value < alpha and abs(difference.ratio - 1) >= floor:
        if difference.low > 1:
            return Judgement("SLOWER", difference)
        if difference.high < 1:
            return Judgement("FASTER", difference)
    if 1 - floor <= difference.low and difference.high <= 1 + floor:
        return Judgement("SAME", difference)
    return Judgement("UNCLEAR", difference, "processes differ too much to tell")


def too_few(base: int, new: int) -> str:
    """Why there is no verdict on so many processes of each side."""
    of = f"{base}" if base == new else f"{base} and {new}"
    noun = "process" if base == new == 1 else "processes"
    return f"{of} {noun} a side, and a verdict takes {MINIMUM_PROCESSES}"
