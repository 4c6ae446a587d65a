"""A prediction that is not finite fails its cell, and the others go on."""

from __future__ import annotations

import pytest
import torch

from baselines.copy_prediction import KeptPrediction
from baselines.scores import ScorePrediction
from bench.evaluate.finite import check_finite
from bench.evaluate.lockstep import Cell, Lockstep
from bench.evaluate.memo import Memo
from mpvss.errors import UserError


class Scores:
    num_classes = 2

    def __init__(self, value: float) -> None:
        self.value = value

    def segment(self, frame):
        coarse = torch.zeros(2, 2, 2)
        coarse[1, 0, 1] = self.value
        return ScorePrediction(coarse, (8, 8)), None

    def propagate(self, frame, state):
        return self.segment(frame)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_score_that_is_not_finite_fails_its_method_alone(value):
    methods = {"bad": Scores(value), "good": Scores(1.0)}
    lockstep = Lockstep(methods, [Cell("bad", 1), Cell("good", 1)], Memo())
    (group,) = lockstep.step(torch.zeros(3, 8, 8))
    assert group.cells == (Cell("good", 1),)
    assert "ScorePrediction.coarse holds NaN or infinity" in str(lockstep.failed["bad"])


def test_tensors_within_are_looked_at_and_integers_are_not():
    good, bad = (ScorePrediction(torch.full((2, 2, 2), value), (8, 8)) for value in (1.0, float("nan")))
    check_finite(KeptPrediction(good, torch.zeros(8, 8, dtype=torch.uint8)))
    with pytest.raises(UserError, match=r"KeptPrediction\.prediction\.coarse"):
        check_finite(KeptPrediction(bad))
