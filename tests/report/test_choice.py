"""The answer on the first screen, and the sentences beside it, against planted numbers."""

from __future__ import annotations

import pytest
from made_runs import SMALL, cell, make, small, timed, timing

from bench.report.choice import COUNTED, choose, data_sets, runner_up
from bench.report.contents import make_report
from bench.report.found import found
from bench.report.study import read_study

MACS = {key: 20.0 - i for i, key in enumerate(SMALL)}
"""GMACs of each configuration of `made_runs.small`."""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    (of_small,) = data_sets(read_study([small(tmp_path_factory.mktemp("runs") / "small")]))
    return of_small


def keys(options):
    return [(option.cell["method"], option.cell["interval"]) for option in options]


def test_the_cheapest_that_is_accurate_enough_comes_first(data):
    wanted = sorted((key for key, miou in SMALL.items() if miou >= 0.7 and MACS[key] <= 15), key=MACS.__getitem__)
    chosen = choose(data.options, 70, COUNTED, 15)
    assert keys(chosen) == wanted
    assert len(wanted) > 2
    assert choose(data.options, 99, COUNTED) == []
    assert choose(data.options, 0, "J a frame") == []


def test_the_runner_up_is_another_method(data):
    chosen = choose(data.options, 70, COUNTED)
    assert keys(chosen[:3]) == [("mpvss", 10), ("mpvss", 5), ("mpvss", 2)]
    assert keys([runner_up(chosen)]) == [("optical-flow", 5)]
    assert runner_up(chosen[:3]) is None


def test_the_first_accuracy_is_two_points_under_the_best(data):
    assert data.floor == 78.0


def test_runs_on_the_same_data_answer_together_and_a_ceiling_is_no_choice(tmp_path):
    one = make(tmp_path / "one", {("per-frame", 1): cell(0.8), ("ground-truth-flow", 5): cell(0.9)})
    two = make(tmp_path / "two", {("per-frame", 1): cell(0.8), ("dff", 5): cell(0.75)})
    other = make(tmp_path / "other", {("dff", 5): cell(0.7)}, data="else")
    first, second = data_sets(read_study([one, two, other]))
    assert keys(first.options) == [("per-frame", 1), ("dff", 5)]
    assert (second.name, keys(second.options)) == ("else", [("dff", 5)])


def test_what_was_found_is_said_in_sentences(tmp_path):
    """MACs at interval 5 are 12 of 20, and 15 frames of which 3 take 20 ms and 12 take 5 ms are 40 % of 15 x 20 ms."""
    speed = timed(tmp_path / "speed", {"mpvss": timing(20, 5), "per-frame": timing(20, 20)})
    lines = found(make_report(read_study([small(tmp_path / "small"), speed])))
    assert MACS["mpvss", 5] / MACS["per-frame", 1] == 0.6
    assert lines[0] == (
        "mpvss with micro at interval 5 is 1.5 points of mIoU below per-frame and takes 60 % of its "
        "multiply-accumulates and 40 % of its time on some, 1 thread."
    )
    assert lines[1] == "From interval 2 to 10 mpvss loses 2.0 points (copy 24.0, optical-flow 18.0)."
    assert lines[2].startswith("Of the paper's claims, case by case: ")
    assert found(make_report(read_study([speed]))) == ["No run in this report has an accuracy."]
