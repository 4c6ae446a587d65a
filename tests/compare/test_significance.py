"""Verdicts on times: what they rest on, and how often they are wrong where processes have moods."""

import math

import numpy as np
import pytest

from bench.compare.significance import MINIMUM_PROCESSES, compare_times, judge

WRONG = ("SLOWER", "FASTER")
STATED = {
    # (mood, drift, processes, in turn): a verdict where nothing changed, SAME then, SLOWER at 5 %, SLOWER at 10 %
    (0.005, 0.0, 5, False): (0.0, 1.0, 0.50, 1.0),
    (0.01, 0.0, 5, False): (0.0, 0.98, 0.50, 1.0),
    (0.02, 0.0, 5, False): (0.0, 0.40, 0.41, 0.99),
    (0.02, 0.0, 10, False): (0.0, 0.97, 0.51, 1.0),
    (0.04, 0.0, 5, False): (0.007, 0.01, 0.12, 0.57),
    (0.04, 0.0, 10, False): (0.003, 0.10, 0.39, 0.98),
    (0.01, 0.03, 5, False): (0.19, 0.05, 0.40, 0.70),
    (0.01, 0.03, 5, True): (0.0, 0.84, 0.47, 1.0),
}


def draw(rng, *, mood, drift, processes, in_turn):
    """The typical times of two runs of the same code, process by process: medians of 48 frames.

    Log-normal noise of 3 % and 2 % of outliers by frame; each process is slower or faster as a whole by `mood`
    (standard deviation of the logarithm); the machine's speed walks by `drift` from one process to the next, or from
    one pair of processes to the next where they run in turn.
    """
    walk = rng.normal(0, drift, processes if in_turn else 2 * processes).cumsum()
    for level in (walk[:processes], walk[-processes:]):
        frames = rng.lognormal(0, 0.03, (processes, 48))
        frames = np.where(rng.random(frames.shape) < 0.02, 1.5, 1) * frames
        yield np.median(frames, axis=1) * np.exp(level + rng.normal(0, mood, processes))


def rates(case, repeats):
    """The four figures of a case."""
    mood, drift, processes, in_turn = case
    rng = np.random.default_rng(7)

    def verdicts(factor):
        for _ in range(repeats):
            base, new = draw(rng, mood=mood, drift=drift, processes=processes, in_turn=in_turn)
            yield judge(base, factor * new, floor=0.05, alpha=0.01, paired=in_turn).verdict

    alike, five, ten = (list(verdicts(factor)) for factor in (1.0, 1.05, 1.1))
    return (
        np.mean([verdict in WRONG for verdict in alike]),
        alike.count("SAME") / repeats,
        five.count("SLOWER") / repeats,
        ten.count("SLOWER") / repeats,
    )


@pytest.mark.slow
@pytest.mark.parametrize("case", STATED, ids=str)
def test_error_rates_are_those_of_the_docstring(case):
    found = rates(case, 1000)
    # Three standard errors of 1,000 draws are 5 % at most; of a share of 1 % they are 1 %.
    assert found == pytest.approx(STATED[case], abs=0.05)
    if STATED[case][0] < 0.01:
        assert found[0] <= 0.02


def test_a_mood_of_processes_is_not_called_a_change():
    """What a rank test over all samples calls a change nearly always: two fast processes against two slow ones."""
    wrong, _, _, found = rates((0.02, 0.0, 5, False), 100)
    assert wrong <= 0.01
    assert found >= 0.95


class TestTheFigures:
    def test_the_ratio_is_that_of_the_geometric_means(self):
        found = compare_times([2.0, 8.0], [6.0, 6.0, 6.0])
        assert (found.base, found.new, found.ratio) == pytest.approx((4, 6, 1.5))
        assert found.processes == (2, 3)

    def test_the_interval_is_welchs(self):
        """Against the textbook's formula, worked out for e^0, e^2 and e^1, e^3, e^5."""
        found = compare_times([math.exp(x) for x in (0, 2)], [math.exp(x) for x in (1, 3, 5)], confidence=0.95)
        # Variances of the means 2/2 and 4/3; freedom (7/3)^2 / (1 + (16/9)/2) = 49/17; Student's 97.5 % there is 3.257.
        half = 3.2572 * math.sqrt(7 / 3)
        assert math.log(found.low) == pytest.approx(2 - half, abs=0.001)
        assert math.log(found.high) == pytest.approx(2 + half, abs=0.001)

    def test_it_agrees_with_scipys_tests(self):
        stats = pytest.importorskip("scipy.stats")
        rng = np.random.default_rng(0)
        base, new = np.exp(rng.normal(0, 0.1, 6)), np.exp(rng.normal(0.1, 0.2, 6))
        for paired, test in ((False, stats.ttest_ind), (True, stats.ttest_rel)):
            options = {} if paired else {"equal_var": False}
            expected = test(np.log(new), np.log(base), **options)
            found = compare_times(base, new, paired=paired)
            assert found.p_value == pytest.approx(expected.pvalue)
            assert np.log([found.low, found.high]) == pytest.approx(list(expected.confidence_interval(0.99)))

    def test_pairs_cancel_what_both_of_a_pair_share(self):
        base = [1.0, 2.0, 4.0, 1.0, 9.0]
        new = [1.5 * time for time in base]
        assert compare_times(base, new).low < 1
        paired = compare_times(base, new, paired=True)
        assert (paired.low, paired.high) == pytest.approx((1.5, 1.5))
        assert judge(base, new, floor=0.05, alpha=0.01, paired=True).verdict == "SLOWER"
        assert judge(base, new, floor=0.05, alpha=0.01).verdict == "UNCLEAR"

    def test_one_process_a_side_has_no_interval(self):
        found = compare_times([1.0], [2.0])
        assert (found.ratio, found.low, found.high, found.p_value) == (2.0, 0.0, math.inf, 1.0)

    def test_an_empty_side_is_refused(self):
        with pytest.raises(ValueError, match="0 base and 1 new processes"):
            compare_times([], [1.0])

    def test_sides_of_unequal_length_are_no_pairs(self):
        with pytest.raises(ValueError, match="1 and 2 processes are no pairs"):
            compare_times([1.0], [1.0, 1.0], paired=True)


class TestVerdicts:
    def judge(self, base, new, **options):
        return judge(base, new, floor=0.05, alpha=0.01, **options)

    def test_fewer_processes_than_needed_are_unclear_however_far_apart(self):
        few = MINIMUM_PROCESSES - 1
        found = self.judge([1.0] * 9, [2.0] * few)
        assert (found.verdict, found.reason) == ("UNCLEAR", "9 and 4 processes a side, and a verdict takes 5")
        assert self.judge([1.0], [2.0]).reason == "1 process a side, and a verdict takes 5"
        assert self.judge([1.0] * 9, [2.0] * MINIMUM_PROCESSES).verdict == "SLOWER"

    @pytest.mark.parametrize(
        ("new", "verdict"), [(1.06, "SLOWER"), (0.94, "FASTER"), (1.04, "SAME"), (0.96, "SAME"), (1.0, "SAME")]
    )
    def test_the_floor_divides_a_change_from_none(self, new, verdict):
        assert self.judge([1.0] * 5, [new] * 5).verdict == verdict

    def test_a_wide_spread_is_unclear(self):
        found = self.judge([1.0, 1.4, 0.8, 1.2, 1.0], [1.1, 1.5, 0.8, 1.3, 1.2])
        assert (found.verdict, found.reason) == ("UNCLEAR", "processes differ too much to tell")

    def test_a_change_that_is_negligible_in_seconds_is_none(self):
        microseconds = [3e-6] * 5, [6e-6] * 5
        assert self.judge(*microseconds).verdict == "SLOWER"
        assert self.judge(*microseconds, negligible=20e-6).verdict == "SAME"
