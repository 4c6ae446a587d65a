"""Times are shown only where they are a measurement, and beside the accuracy of the same artifact."""

from __future__ import annotations

import json
import re

import made_records
import msgspec
import pandas as pd
import pytest
from made_runs import cell, make, timed, timing

from bench.report import report
from bench.report.choice import data_sets
from bench.report.speed.doubts import doubt, doubt_of_card
from bench.report.study import read_study
from bench.report.times import write_times
from bench.runs.records.timing import CellTiming

ODD = timing(314.15, 92.65)
"""Times that are found again wherever they are shown."""


def scored(path, weights="w", **more):
    cells = {("mpvss", interval): cell(0.7, weights, timing=ODD) for interval in (3, 5)}
    return make(path, cells, **more)


def fps_of(*runs):
    return {
        (row["run"], row["interval"]): row.get("fps_labels")
        for run in read_study(runs).runs
        for row in run.cells
        if row.get("miou")
    }


def test_the_times_of_a_sweep_are_shown_nowhere(tmp_path):
    files = report([scored(tmp_path / "swept")], tmp_path / "out", ["html", "md", "tex", "csv", "svg"])
    assert not any("times" in file.name or "latency" in file.name for file in files)
    for file in files:
        if file.suffix not in (".png", ".svg"):
            text = re.sub(r'"data:image[^"]*"', "", file.read_text())
            for planted in ("314.1", "92.65", "0.31415", "3.18"):  # 3.18 FPS
                assert planted not in text, f"{planted} in {file.name}"
    assert (
        "swept's own times are no measurement (a sweep times a few frames" in (tmp_path / "out/report.md").read_text()
    )


def test_a_scored_row_has_the_times_of_the_same_artifact(tmp_path):
    """A key frame takes 20 ms, others 5 ms: of 15 frames, 3 are keys at interval 5, and 5 at interval 3."""
    speed = timed(tmp_path / "speed", {"mpvss@named": timing(20, 5)})
    swept = scored(tmp_path / "swept")
    found = fps_of(swept, speed)
    assert found == {
        ("swept", 5): pytest.approx(15_000 / (3 * 20 + 12 * 5)),
        ("swept", 3): pytest.approx(15_000 / (5 * 20 + 10 * 5)),
    }
    report([swept, speed], tmp_path / "out", ["csv"])
    rows = pd.read_csv(tmp_path / "out" / "cells.csv").query("run == 'swept'")
    assert set(rows["timed_in"]) == {"speed"}
    assert set(rows["timed_on"]) == {"some, 1 thread"}
    assert list(rows["p50_key_ms"]) == [20, 20]


@pytest.mark.parametrize(
    "other",
    [{"weights": "v"}, {"amp": "bfloat16"}, {"execution": "paper"}, {"data": "made: size=9x9"}, {"backbone": "nano"}],
    ids=lambda other: next(iter(other)),
)
def test_another_artifact_lends_no_times(tmp_path, other):
    speed = timed(tmp_path / "speed", {"mpvss": timing(20, 5)}, **other)
    assert set(fps_of(scored(tmp_path / "swept"), speed).values()) == {None}


def test_the_seed_of_random_weights_is_part_of_the_artifact(tmp_path):
    swept = scored(tmp_path / "swept", "untrained")
    same = timed(tmp_path / "same", {"mpvss": timing(20, 5)}, weights="untrained")
    other = timed(tmp_path / "other", {"mpvss": timing(20, 5)}, weights="untrained", seed=1)
    assert None not in fps_of(swept, same).values()
    assert set(fps_of(swept, other).values()) == {None}


def test_the_cost_on_each_machine_stands_by_itself(tmp_path):
    swept = scored(tmp_path / "swept")
    one, two = (timed(tmp_path / name, {"mpvss": timing(ms, 5)}) for name, ms in (("one", 20), ("two", 60)))
    about = json.loads((two / "run.json").read_text())
    about["starts"][0]["environment"]["device"] = "NVIDIA Made 100"
    (two / "run.json").write_text(json.dumps(about))
    (data,) = data_sets(read_study([swept, one, two]))
    at_5 = next(option for option in data.options if option.cell["interval"] == 5)
    assert at_5.costs["ms a frame on some, 1 thread"] == pytest.approx((3 * 20 + 12 * 5) / 15)
    assert at_5.costs["ms a frame on NVIDIA Made 100"] == pytest.approx((3 * 60 + 12 * 5) / 15)


TIMES_ALONE = made_records.configuration(stopping="then")


def doubt_of(**parts):
    return doubt(msgspec.convert(timing(20, 5, **parts), CellTiming), TIMES_ALONE)


def test_times_had_settled_where_the_warm_up_or_both_halves_say_so():
    assert doubt_of(rounds=[1, 1, 1.04, 1.04]) == ""
    assert doubt_of(rounds=[1, 1, 1.06, 1.06]) == "times had not settled"
    assert doubt_of(rounds=[1, 1, 1.06, 1.06], warmup_stable=True) == ""
    assert doubt_of(rounds=[1]) == "times had not settled"
    one_round = msgspec.convert(timing(20, 5, [1]), CellTiming)
    assert doubt_of_card(one_round) == ""


def test_a_disturbed_card_measures_nothing():
    guard = {
        "sm_clock_mhz": [1, 2], "temperature_c": 1, "power_w": 1.0, "other_processes": 2, "throttle_reasons": [],
        "throttled_share": 0.0, "readings": [],
    }  # fmt: skip
    assert doubt_of(guard=guard) == "other processes ran on the card (2)"
    assert doubt_of(guard=guard | {"other_processes": 0}) == ""
    assert doubt_of(throttled_share=0.5) == "the card was slowed down in 50% of the passes"


def test_unsettled_times_lend_nothing_and_their_own_text_says_so(tmp_path):
    speed = timed(tmp_path / "speed", {"mpvss": timing(20, 5, [1, 2])})
    assert set(fps_of(scored(tmp_path / "swept"), speed).values()) == {None}
    assert "**No measurement: times had not settled.**" in write_times(speed)
