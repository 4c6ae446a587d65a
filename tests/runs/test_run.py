"""Runs on disk: one configuration a folder, one row a cell, and older layouts read as the present one."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import made_records
import numpy as np
import pytest
from made_records import START, cell_record

from bench.measure.time.record import timing_record
from bench.measure.time.samples import Course, Sample, Times, Timing
from bench.metrics.bootstrap import bootstrap, mean_iou_of_counts
from bench.runs.clip_counts import ClipCounts
from bench.runs.read import read_clip_counts, read_run, read_run_record, read_samples
from bench.runs.records import migrations
from bench.runs.records.cell import Accuracy, CellCost, CellKey, CellMemory, ClipPixels
from bench.runs.write import open_run
from mpvss.errors import UserError

MEASURED = Path(__file__).resolve().parents[2] / "results" / "measured"
CONFIGURATION = made_records.configuration()
ASKED = made_records.asked(["copy"], ["micro"], [1, 5])
HALF = {"miou": 0.5, "labelled_frames": 3}


@pytest.fixture
def run(tmp_path):
    return open_run(tmp_path / "run", CONFIGURATION, ASKED, START)


def test_one_row_a_cell_in_the_order_asked_for(run):
    open_run(run.path, CONFIGURATION, made_records.asked(["mpvss", "copy"], ["micro"], [2]), START)
    for method, interval in (("mpvss", 2), ("copy", 5), ("copy", 1)):
        run.save(cell_record("micro", method, interval, accuracy=HALF))
    table = read_run(run.path)
    # `copy` was asked for first, and stays first.
    assert list(zip(table["method"], table["interval"], strict=True)) == [("copy", 1), ("copy", 5), ("mpvss", 2)]
    assert list(table["status"]) == ["ok"] * 3
    assert list(table["miou"]) == [0.5] * 3
    about = json.loads((run.path / "run.json").read_text())
    assert about["asked"] == {"methods": ["copy", "mpvss"], "backbones": ["micro"], "intervals": [1, 5, 2]}
    assert len(about["starts"]) == 2


def test_columns_are_there_where_every_cell_failed_or_none_is_there(run):
    wanted = {*Accuracy.__struct_fields__, *CellCost.__struct_fields__, *CellMemory.__struct_fields__}
    wanted = {*wanted, "fps_labels", "p50_key_ms", "p50_non_key_ms"}
    wanted -= {"tc", "tc_flow", "miou_by_distance", "long_run_macs", "most_non_key_macs", "not_counted"}
    assert wanted <= set(read_run(run.path).columns)
    run.save(cell_record("micro", "copy", 5, errors={"timing": "RuntimeError: no"}))
    table = read_run(run.path)
    assert wanted <= set(table.columns)
    (row,) = table.to_dict("records")
    assert (row["status"], row["error"]) == ("failed", "timing: RuntimeError: no")
    assert table[sorted(wanted)].isna().all(axis=None)


def test_files_of_the_first_schema_are_read(run):
    run.save(cell_record("micro", "copy", 5, accuracy=HALF))
    for file in (run.path / "run.json", run.path / "cells" / CellKey("micro", "copy", 5).file_name):
        old = {**json.loads(file.read_text()), "schema": 1}
        old.pop("clips", None)
        file.write_text(json.dumps(old))
    (row,) = read_run(run.path).to_dict("records")
    assert row["miou"] == 0.5
    assert "miou_low" not in row
    assert read_clip_counts(run.path) == {}
    loaded = open_run(run.path, CONFIGURATION, ASKED, START).load(CellKey("micro", "copy", 5))
    assert loaded is not None
    assert loaded.clips is None


def test_samples_of_the_first_schema_are_told_apart_by_scope():
    sample = {"repeat": 1, "frame": 5, "kind": "key", "labels": 0.25, "model": 0.125}
    old = {"accuracy": None, "timing": {"samples": [sample], "warmup": [{**sample, "model": None}]}}
    migrated = migrations.samples_in_columns(old)
    assert migrated["clips"] is None
    common = {"round": [1], "frame": [5], "key": [True]}
    assert migrated["timing"]["samples"] == {
        "labels": {**common, "seconds": [0.25]},
        "model": {**common, "seconds": [0.125]},
    }
    assert migrated["timing"]["warmup"].keys() == {"labels"}


def test_an_older_run_keeps_its_cells_when_it_is_resumed(tmp_path):
    path = tmp_path / "small-methods"
    shutil.copytree(MEASURED / "small-methods", path)
    before = {file.name: file.read_bytes() for file in (path / "cells").iterdir()}
    table, about = read_run(path), read_run_record(path)
    assert "ground-truth-flow" in about.asked.methods
    assert about.configuration.weights.keys() == {"shipped"}
    run = open_run(path, about.configuration, about.asked, START)
    cells = [CellKey(row["backbone"], row["method"], row["interval"]) for row in table.to_dict("records")]
    assert len(cells) == len(before)
    assert all(run.load(key) is not None for key in cells)
    assert {file.name: file.read_bytes() for file in (path / "cells").iterdir()} == before
    key = CellKey("micro", "ground-truth-flow", 5)
    record = run.load(key)
    assert record is not None
    assert record.key == key
    run.save(record)  # under its present name, in the place of the older
    names = {file.name for file in (path / "cells").iterdir()}
    assert names == {*before, key.file_name} - {"micro--true-flow--005.json"}
    again = read_run(path)
    assert again["miou"].tolist() == table["miou"].tolist()


def test_names_in_data_are_no_words_of_the_layout():
    configuration = {"classes": ["other", "true-flow"], "weights": {"micro/true-flow": "x"}}
    old = {"asked": {"methods": ["true-flow", "other"]}, "configuration": configuration}
    migrated = migrations.run_in_present_words(old)
    assert migrated["configuration"] == {
        "classes": ["other", "true-flow"],
        "weights": {"micro/ground-truth-flow": "x"},
    }
    assert migrated["asked"] == {"methods": ["ground-truth-flow", "other"]}


def test_intervals_come_from_the_counts_of_a_cell(run):
    counts = np.array([[[[60, 100, 90], [0, 0, 10]]], [[[20, 80, 50], [5, 20, 50]]], [[[9, 10, 9], [40, 50, 51]]]])
    names = ("x", "y", "z")
    run.save(cell_record("micro", "copy", 5, accuracy=HALF, clips=ClipCounts(names, counts).record()))
    run.save(cell_record("micro", "copy", 1, clips=ClipCounts(names[:1], counts[:1]).record()))
    one_clip, three_clips = read_run(run.path).to_dict("records")
    expected = bootstrap([(1.0, counts)], mean_iou_of_counts)
    assert expected is not None
    assert (three_clips["miou_low"], three_clips["miou_high"]) == (expected.low, expected.high)
    assert three_clips["wiou_low"] < three_clips["wiou_high"]
    assert np.isnan(one_clip["miou_low"])
    stored = read_clip_counts(run.path)[CellKey("micro", "copy", 5)]
    assert stored.names == names
    np.testing.assert_array_equal(stored.counts, counts)


def test_counts_that_would_fill_the_memory_are_refused():
    """Three billion classes, of 3 counts of 8 bytes each, are 72 GB."""
    clip = ClipPixels(name="x", classes=[0], truth=[1], intersection=[[1]], predicted=[[1]])
    with pytest.raises(UserError, match="counts of 1 clips at 1 distances for 3000000000 classes take over"):
        ClipCounts.from_record([clip], 3_000_000_000)


def test_samples_come_once_for_a_method(run):
    columns = {"round": [0], "frame": [0], "key": [True], "seconds": [0.25]}
    timing = {"fps_labels": 4.0, "samples": {"labels": columns}, "warmup": {"labels": columns}}
    for interval in (1, 5):
        run.save(cell_record("micro", "copy", interval, timing=timing))
    table = read_samples(run.path)
    assert list(table["warmup"]) == [True, False]
    assert list(table["seconds"]) == [0.25, 0.25]
    assert set(zip(table["method"], table["scope"], table["kind"], strict=True)) == {("copy", "labels", "key")}
    assert "samples" not in read_run(run.path)


def test_another_configuration_is_refused_with_what_differs(run):
    with pytest.raises(UserError, match=r"seed: 0 there, 3 now.*another folder") as error:
        open_run(run.path, made_records.configuration(seed=3), ASKED, START)
    assert "data" not in str(error.value)


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UserError, match="not a results folder"):
        open_run(tmp_path, CONFIGURATION, ASKED, START)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(UserError, match=r"no run\.json"):
        read_run(tmp_path)


def test_a_folder_of_a_run_that_was_killed_as_it_began_is_taken(tmp_path):
    (tmp_path / "cells").mkdir()
    for name in (".run.json.abc.part", ".lease"):
        (tmp_path / name).write_bytes(b"")
    long_ago = 1e9
    os.utime(tmp_path / ".lease", (long_ago, long_ago))
    run = open_run(tmp_path, CONFIGURATION, ASKED, START)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lease", "cells", "run.json"]
    del run
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cells", "run.json"]


def test_what_a_card_adds_to_a_row_is_documented(run):
    sample = Sample(round=0, place=0, frame=0, key=True, seconds=1.0)
    guard = {
        "sm_clock_mhz": [1, 2],
        "temperature_c": 40,
        "power_w": 1.5,
        "other_processes": 0,
        "throttle_reasons": [],
        "throttled_share": 0.0,
        "readings": [],
    }
    timing = Timing(
        times={"labels": Times([sample])},
        course=Course("rounds", 1, 1.0, 0.5, 0, None),
        compile_seconds=1.0,
        guard=guard,
        energy={"key_j": 1.0, "non_key_j": 1.0, "window_s": 1.0, "counter_period_s": 0.1},
    )
    run.save(cell_record("micro", "copy", 5, timing=timing_record(timing, 5, (1 / 30,))))
    documented = (Path(__file__).resolve().parents[2] / "results" / "README.md").read_text()
    columns = set(read_run(run.path).columns)
    assert {"compile_seconds", "throttled_share", "energy_key_j", "energy_window_s"} <= columns
    assert "`late_SCOPE_Tms`" in documented
    assert {name for name in columns if f"`{name}`" not in documented} <= {"late_labels_33.33ms"}
