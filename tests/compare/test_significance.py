"""How often the verdict on times is wrong, on samples with the noise of a machine."""

import numpy as np
import pytest

from bench.compare.significance import judge

REPEATS = 1000


def noisy(rng, rounds=8, frames=12):
    """Times of one run: log-normal, slower and faster from round to round (random walk), 2 % of them half longer."""
    times = rng.lognormal(0, 0.03, (rounds, frames)) * np.exp(rng.normal(0, 0.003, rounds).cumsum())[:, None]
    return (times * np.where(rng.random(times.shape) < 0.02, 1.5, 1)).ravel()


def share(verdict, factor, floor, repeats=REPEATS):
    rng = np.random.default_rng(7)
    return np.mean(
        [judge(noisy(rng), factor * noisy(rng), floor=floor, alpha=0.01)[0] == verdict for _ in range(repeats)]
    )


@pytest.mark.slow
def test_false_alarms_and_detections_in_a_thousand_repeats():
    """The figures that `bench.compare.significance` states."""
    stated = {
        (1.0, 0.05): 0.0,
        (1.05, 0.05): 0.5,
        (1.1, 0.05): 1.0,
        (1.0, 0.02): 0.018,
        (1.05, 0.02): 0.996,
    }
    found = {case: share("SLOWER", *case) for case in stated}
    assert found == pytest.approx(stated, abs=0.005)


def test_a_twentieth_slower_is_caught_with_a_lower_floor():
    assert share("SLOWER", 1.05, 0.02, repeats=20) >= 0.9
