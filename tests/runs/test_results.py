"""Runs on disk: whole files or none, one configuration a folder, one row a cell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.measure.time.record import timing_record
from bench.measure.time.samples import Course, Sample, Times, Timing
from bench.metrics.bootstrap import bootstrap, mean_iou_of_counts
from bench.runs import results
from bench.runs.clip_counts import ClipCounts
from bench.runs.results import CellKey, file_name, open_run, read_clip_counts, read_run, read_samples, write_atomically
from bench.runs.schema import SCHEMA, migrate

CONFIGURATION = {"data": "generated:clips=1", "seed": 0, "classes": ["a", "b"]}
ASKED = {"methods": ("copy",), "backbones": ("micro",), "intervals": (1, 5)}
START = {"command": "x", "environment": {"device": "cpu", "cpu": "some"}}


def record(**parts):
    measured = dict.fromkeys(("accuracy", "clips", "cost", "timing", "memory"))
    return {"weights": "untrained", "errors": {}, **measured, **parts}


@pytest.fixture
def run(tmp_path):
    return open_run(tmp_path / "run", CONFIGURATION, ASKED, START)


def test_one_row_a_cell_in_the_order_asked_for(run):
    open_run(run.path, CONFIGURATION, {**ASKED, "methods": ("mpvss", "copy"), "intervals": (2,)}, START)
    for method, interval in (("mpvss", 2), ("copy", 5), ("copy", 1)):
        run.save(CellKey("micro", method, interval), record(accuracy={"miou": 0.5}))
    table = read_run(run.path)
    # `copy` was asked for first, and stays first.
    assert list(zip(table["method"], table["interval"], strict=True)) == [("copy", 1), ("copy", 5), ("mpvss", 2)]
    assert list(table["status"]) == ["ok"] * 3
    assert list(table["miou"]) == [0.5] * 3
    about = json.loads((run.path / "run.json").read_text())
    assert about["asked"] == {"methods": ["copy", "mpvss"], "backbones": ["micro"], "intervals": [1, 5, 2]}
    assert len(about["starts"]) == 2


def test_files_of_the_first_schema_are_read(run):
    run.save(CellKey("micro", "copy", 5), record(accuracy={"miou": 0.5}))
    for file in (run.path / "run.json", run.path / "cells" / CellKey("micro", "copy", 5).file_name):
        old = {**json.loads(file.read_text()), "schema": 1}
        old.pop("clips", None)
        file.write_text(json.dumps(old))
    (row,) = read_run(run.path).to_dict("records")
    assert row["miou"] == 0.5
    assert "miou_low" not in row
    assert read_clip_counts(run.path) == {}
    again = open_run(run.path, CONFIGURATION, ASKED, START)
    loaded = again.load(CellKey("micro", "copy", 5))
    assert loaded is not None
    assert (loaded["schema"], loaded["clips"]) == (SCHEMA, None)


def test_intervals_come_from_the_counts_of_a_cell(run):
    counts = np.array([[[[60, 100, 90], [0, 0, 10]]], [[[20, 80, 50], [5, 20, 50]]], [[[9, 10, 9], [40, 50, 51]]]])
    names = ("x", "y", "z")
    run.save(CellKey("micro", "copy", 5), record(accuracy={"miou": 0.5}, clips=ClipCounts(names, counts).record()))
    run.save(CellKey("micro", "copy", 1), record(clips=ClipCounts(names[:1], counts[:1]).record()))
    one_clip, three_clips = read_run(run.path).to_dict("records")
    expected = bootstrap([(1.0, counts)], mean_iou_of_counts)
    assert expected is not None
    assert (three_clips["miou_low"], three_clips["miou_high"]) == (expected.low, expected.high)
    assert three_clips["wiou_low"] < three_clips["wiou_high"]
    assert np.isnan(one_clip["miou_low"])
    stored = read_clip_counts(run.path)[CellKey("micro", "copy", 5)]
    assert stored.names == names
    np.testing.assert_array_equal(stored.counts, counts)
    # Numbers side by side, so that the file stays short, and text as it was.
    text = "a list [1,  2] and\n[\n3,\n4]"
    run.save(CellKey("micro", "copy", 2), record(errors={"timing": text}, accuracy={"class_iou": [0.5, None, 1]}))
    content = (run.path / "cells" / CellKey("micro", "copy", 2).file_name).read_text()
    assert '"class_iou": [0.5, null, 1]' in content
    assert json.loads(content)["errors"]["timing"] == text


def test_a_failed_cell_says_why(run):
    run.save(CellKey("micro", "copy", 5), record(errors={"timing": "RuntimeError: no"}, accuracy={"miou": 0.5}))
    (row,) = read_run(run.path).to_dict("records")
    assert (row["status"], row["error"], row["miou"]) == ("failed", "timing: RuntimeError: no", 0.5)


def test_samples_of_the_first_schema_are_told_apart_by_scope():
    sample = {"repeat": 1, "frame": 5, "kind": "key", "labels": 0.25, "model": 0.125}
    old = {"schema": 1, "accuracy": None, "timing": {"samples": [sample], "warmup": [{**sample, "model": None}]}}
    migrated = migrate(old)
    assert migrated is not None
    common = {"round": [1], "frame": [5], "key": [True]}
    assert migrated["timing"]["samples"] == {
        "labels": {**common, "seconds": [0.25]},
        "model": {**common, "seconds": [0.125]},
    }
    assert migrated["timing"]["warmup"].keys() == {"labels"}


def test_samples_come_once_for_a_method(run):
    columns = {"round": [0], "frame": [0], "key": [True], "seconds": [0.25]}
    timing = {"fps_labels": 4.0, "samples": {"labels": columns}, "warmup": {"labels": columns}}
    for interval in (1, 5):
        run.save(CellKey("micro", "copy", interval), record(timing=timing))
    table = read_samples(run.path)
    assert list(table["warmup"]) == [True, False]
    assert list(table["seconds"]) == [0.25, 0.25]
    assert set(zip(table["method"], table["scope"], table["kind"], strict=True)) == {("copy", "labels", "key")}
    assert "samples" not in read_run(run.path)


def test_another_configuration_is_refused_with_what_differs(run):
    with pytest.raises(ValueError, match=r"seed: 0 there, 3 now.*another --out") as error:
        open_run(run.path, {**CONFIGURATION, "seed": 3}, ASKED, START)
    assert "data" not in str(error.value)


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ValueError, match="not a results folder"):
        open_run(tmp_path, CONFIGURATION, ASKED, START)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("content", "words"),
    [('{"schema": 1, "backb', "damaged"), ('{"schema": 99}', "schema 99"), ("[]", "names no schema")],
)
def test_damaged_and_unknown_cells_are_named(run, content, words):
    (run.path / "cells" / "broken.json").write_text(content)
    with pytest.raises(ValueError, match=rf"broken\.json.*{words}"):
        read_run(run.path)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no run\.json"):
        read_run(tmp_path)


def test_a_write_that_is_cut_off_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "cell.json"
    write_atomically(file, b"old")

    def fail(handle):
        raise OSError("disk full")

    monkeypatch.setattr(results.os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_names_that_are_no_file_names_are_quoted():
    name = CellKey("hf:org/model", "mpvss", 5).file_name
    assert Path(name).name == name
    assert name != CellKey("hf:org-model", "mpvss", 5).file_name


@pytest.mark.parametrize("name", [".", "..", "../..", "/", "a/../b", "", "é" * 400, "x" * 300])
def test_a_name_is_one_component_of_a_path(tmp_path, name):
    path = tmp_path / f"{file_name(name)}.npz"
    path.write_bytes(b"")
    assert path.resolve().parent == tmp_path.resolve()
    assert not file_name(name).startswith(".")


def test_long_names_stay_apart():
    assert file_name("x" * 300) != file_name("x" * 301)


def test_what_a_card_adds_to_a_row_is_documented(run):
    sample = Sample(round=0, place=0, frame=0, key=True, seconds=1.0)
    timing = Timing(
        times={"labels": Times([sample])},
        course=Course("rounds", 1, 1.0, 0, None),
        compile_seconds=1.0,
        guard={"throttled_share": 0.0},
        energy={"key_j": 1.0, "non_key_j": 1.0, "window_s": 1.0, "counter_period_s": 0.1},
    )
    run.save(CellKey("micro", "copy", 5), record(timing=timing_record(timing, 5, (1 / 30,))))
    documented = (Path(__file__).resolve().parents[2] / "results" / "README.md").read_text()
    columns = set(read_run(run.path).columns)
    assert {"compile_seconds", "throttled_share", "energy_key_j", "energy_window_s"} <= columns
    assert {name for name in columns if f"`{name}`" not in documented} == {"late_labels_33.33ms"}
