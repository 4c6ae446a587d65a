"""Levels of counters and of times, by planted steps."""

import itertools

import numpy as np
import pytest
from made_points import counter, counters, hash_of, point, times

from bench.history.lines import make_lines
from bench.history.steps import FEW, LEAST_NOISE, PENALTY, SHORTEST, counter_levels, time_levels

WIGGLE = [0.05, -0.04, 0.02, -0.05, 0.03, -0.02, 0.04, -0.03]


def with_intervals(values):
    return values, [value - 0.1 for value in values], [value + 0.1 for value in values]


def test_every_change_of_an_exact_counter_is_a_step():
    (line,) = make_lines(counters([100, 100, 101, 101, 50]))
    found = [(step.last.commit, step.first.commit, step.change, step.verdict) for step in line.steps]
    assert found == [
        (hash_of(1), hash_of(2), "+1 %", "WORSE"),
        (hash_of(3), hash_of(4), "-50.5 %", "BETTER"),
    ]


def test_a_slow_drift_passes_the_tolerance_in_the_end():
    # 1 % of 1000 is 10: the fourth value is the first that is off by more.
    assert counter_levels([1000, 1004, 1008, 1012, 1016], 0.01) == [0, 3]


def test_the_gate_says_what_tolerance_a_counter_has():
    (line,) = make_lines([point(i, counter(value, "mIoU")) for i, value in enumerate([0.800, 0.803, 0.790])])
    assert [(step.index, step.verdict) for step in line.steps] == [(2, "WORSE")]


def test_a_planted_step_of_times_is_found_where_it_is():
    values = [10 + w for w in WIGGLE] + [11 + w for w in WIGGLE]
    (line,) = make_lines(times(values))
    (step,) = line.steps
    assert (step.first.commit, step.verdict) == (hash_of(8), "SLOWER")
    # The median of the wiggle is 0.
    assert (step.before, step.after) == (pytest.approx(10.0), pytest.approx(11.0))
    assert step.change == "+10 %"


def test_noise_and_a_single_outlier_are_no_step():
    steady = [10 + w for w in WIGGLE * 2]
    assert time_levels(*with_intervals(steady)) == [0]
    assert time_levels(*with_intervals([*steady[:7], 10.3, *steady[8:]])) == [0]
    assert time_levels(*with_intervals([10.0, 20.0, 20.0])) == [0], "too few to tell"


def test_the_fit_is_the_best_of_all():
    """Against every way to cut a series into levels of at least two commits."""
    generator = np.random.default_rng(0)
    for _ in range(5):
        logs = np.log(10) + np.repeat([0, 0.15, 0.02], 3) + generator.normal(0, 0.01, 9)
        values = np.exp(logs)
        # An interval this wide makes the noise that the fit takes 2 %, more than that of the neighbours.
        wide = 0.02 * 1.96 * values
        differences = np.abs(np.diff(logs))
        assert 1.4826 * np.median(differences) / np.sqrt(2) < 0.02
        assert LEAST_NOISE < 0.02
        penalty = PENALTY * 0.02**2 * np.log(FEW)

        def cost(cuts, logs=logs, penalty=penalty):
            parts = np.split(logs, cuts)
            return sum(((part - part.mean()) ** 2).sum() for part in parts) + penalty * len(parts)

        ways = [
            cuts
            for count in range(5)
            for cuts in itertools.combinations(range(1, 9), count)
            if min(np.diff([0, *cuts, 9])) >= SHORTEST
        ]
        best = min(ways, key=cost)
        assert time_levels(list(values), list(values - wide), list(values + wide)) == [0, *best]


def test_times_of_two_machines_are_two_lines_and_counters_one():
    points = [*times([10, 10], "first"), *times([20, 20], "second")]
    points += [point(2, counter(5), machine="first"), point(3, counter(5), machine="second")]
    lines = make_lines(points)
    assert [(line.is_time, line.key.machine, len(line.places)) for line in lines] == [
        (False, None, 2),
        (True, "first", 2),
        (True, "second", 2),
    ]
    assert not any(line.steps for line in lines)


def test_a_step_says_what_else_changed():
    first, second = point(0, counter(1), torch="2.12", os="o"), point(1, counter(2), torch="2.13", os="o")
    (line,) = make_lines([second, first])
    assert line.steps[0].conditions == ("torch: 2.12 → 2.13",)


def test_it_is_seldom_wrong_on_series_of_30_commits():
    """The bounds are wide of what the docstring of `time_levels` says: 0.5 and 99 %."""
    generator = np.random.default_rng(7)
    false, found = 0, 0
    for _ in range(100):
        noise = generator.normal(0, 0.02, 30)
        still, moved = 10 * np.exp(noise), 10 * np.exp(noise + np.repeat([0, 0.1], 15))
        false += time_levels(list(still), list(still * 0.99), list(still * 1.01)) != [0]
        starts = time_levels(list(moved), list(moved * 0.99), list(moved * 1.01))
        found += len(starts) == 2 and abs(starts[1] - 15) <= 1
    assert false <= 4
    assert found >= 92
