"""Quantiles come with an interval that holds for any distribution, and only where there are samples for it."""

from math import comb

import numpy as np
import pytest

from bench.measure.time.quantiles import least_samples, median_interval, quantile_interval
from bench.measure.time.stopping import NEGLIGIBLE, FixedRounds, Precision, WarmUp


def coverage(count: int, k: int) -> float:
    """The chance that the k-th smallest and k-th largest of `count` samples enclose the median, counted out."""
    return sum(comb(count, below) for below in range(k, count - k + 1)) / 2**count


@pytest.mark.parametrize("count", [6, 7, 8, 9, 25, 30, 101, 200])
def test_the_narrowest_pair_of_order_statistics_that_covers_is_taken(count):
    samples = np.random.default_rng(count).permutation(np.arange(1.0, count + 1))
    interval = median_interval(list(samples))
    assert interval is not None
    k = int(interval.low)
    assert interval.high == count + 1 - k
    assert interval.value == (count + 1) / 2
    assert coverage(count, k) >= 0.95 > coverage(count, k + 1)


def test_the_interval_covers_the_median_of_a_skewed_distribution_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = [median_interval(list(rng.lognormal(0, 1, 25))) for _ in range(2000)]
    covered = np.mean([interval is not None and interval.low <= 1 <= interval.high for interval in found])
    # 8th smallest to 8th largest of 25: 95.7 %; three standard errors of 2000 draws are 1.4 %.
    assert covered == pytest.approx(coverage(25, 8), abs=0.014)


def test_five_samples_tell_no_interval():
    assert median_interval([1.0, 2, 3, 4, 5]) is None
    assert median_interval([]) is None


# The largest of n samples lies below the quantile with a chance of share**n, which must be 2.5 % at most:
# 0.5**6 = 1.6 %, 0.5**5 = 3.1 %; 0.9**36 = 2.25 %, 0.9**35 = 2.503 %; 0.99**368 = 2.476 %, 0.99**367 = 2.501 %.
@pytest.mark.parametrize(("share", "least"), [(0.5, 6), (0.9, 36), (0.99, 368)])
def test_a_quantile_needs_samples_for_its_bounds(share, least):
    samples = list(np.random.default_rng(1).exponential(size=least))
    found = quantile_interval(samples, share)
    assert found is not None
    assert found.value == pytest.approx(np.percentile(samples, 100 * share))
    assert found.low < found.value < found.high == max(samples)
    assert quantile_interval(samples[1:], share) is None
    assert least_samples(share) == least


def tail(count: int, share: float, most: int) -> float:
    """The chance that at most `most` of `count` samples lie below the quantile, counted out."""
    return sum(comb(count, below) * share**below * (1 - share) ** (count - below) for below in range(most + 1))


@pytest.mark.parametrize(("count", "share"), [(36, 0.9), (100, 0.9), (159, 0.9), (368, 0.99), (1000, 0.99)])
def test_bounds_are_the_closest_order_statistics_with_tails_of_a_fortieth(count, share):
    found = quantile_interval(list(np.arange(1.0, count + 1)), share)
    assert found is not None
    low, high = int(found.low), int(found.high)  # the samples are their own ranks
    # The quantile is below the low-th sample where fewer than low samples are below it, and above the high-th where
    # high or more are.
    assert tail(count, share, low - 1) <= 0.025 < tail(count, share, low)
    assert 1 - tail(count, share, high - 1) <= 0.025 < 1 - tail(count, share, high - 2)


def test_bounds_of_p90_cover_it_as_often_as_they_say():
    rng = np.random.default_rng(0)
    true = np.exp(1.2815515655446004)  # 1.28 standard deviations: the normal distribution's p90
    found = [quantile_interval(list(rng.lognormal(0, 1, 60)), 0.9) for _ in range(2000)]
    covered = np.mean([interval is not None and interval.low <= true <= interval.high for interval in found])
    assert 0.95 - 0.015 <= covered <= 0.985


class TestStopping:
    def test_precision_needs_narrow_medians_and_samples_in_every_group(self):
        rule = Precision(width=0.02, minimum=30, time_limit=60)
        narrow = list(np.linspace(0.0999, 0.1001, 30))
        wide = list(np.linspace(0.05, 0.15, 30))
        assert rule.reached([narrow, narrow], 10, 1.0) == "precision"
        assert rule.reached([narrow, narrow[1:]], 10, 1.0) is None
        assert rule.reached([narrow, wide], 10, 60.0) is None
        assert rule.reached([narrow, wide], 10, 60.1) == "time limit"
        assert rule.reached([narrow, narrow], 10, 60.1) == "precision"

    def test_differences_of_the_clock_itself_are_no_reason_to_go_on(self):
        assert Precision().reached([list(np.linspace(1e-6, NEGLIGIBLE, 30))], 1, 0.0) == "precision"

    def test_rounds_are_counted(self):
        assert [FixedRounds(2).reached([[1.0]], n, 1e9) for n in (1, 2)] == [None, "rounds"]
        assert not FixedRounds(2).out_of_time(1e9)

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: FixedRounds(0), "rounds is 0"),
            (lambda: Precision(width=0), "precision is 0"),
            (lambda: Precision(minimum=0), "minimum of samples is 0"),
            (lambda: Precision(time_limit=-1), "time limit is -1"),
        ],
    )
    def test_what_is_refused(self, make, words):
        with pytest.raises(ValueError, match=words):
            make()

    def test_times_have_settled_when_all_medians_agree_with_the_round_before(self):
        warmup = WarmUp(tolerance=0.05)
        assert warmup.settled({"a": [1.0, 9.0, 1.1]}, {"a": [1.05, 1.14, 7.0]})
        assert not warmup.settled({"a": [1.0], "b": [2.0]}, {"a": [1.0], "b": [1.8]})
        assert not warmup.settled(None, {"a": [1.0]})
