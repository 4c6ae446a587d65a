"""Runs on disk: whole files or none, one configuration a folder, one row a cell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import results
from bench.results import CellKey, open_run, read_run, read_samples, write_atomically

CONFIGURATION = {"data": "generated:clips=1", "seed": 0, "classes": ["a", "b"]}
ASKED = {"methods": ("copy",), "backbones": ("micro",), "intervals": (1, 5)}
START = {"command": "x", "environment": {"device": "cpu", "cpu": "some"}}


def record(**parts):
    cell = {"weights": "untrained", "errors": {}, "accuracy": None, "cost": None, "timing": None, "memory": None}
    return {**cell, **parts}


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


def test_a_failed_cell_says_why(run):
    run.save(CellKey("micro", "copy", 5), record(errors={"timing": "RuntimeError: no"}, accuracy={"miou": 0.5}))
    (row,) = read_run(run.path).to_dict("records")
    assert (row["status"], row["error"], row["miou"]) == ("failed", "timing: RuntimeError: no", 0.5)


def test_samples_come_once_for_a_method(run):
    sample = {"repeat": 0, "frame": 0, "kind": "key", "labels": 0.25, "model": None}
    timing = {"fps_labels": 4.0, "samples": [sample], "warmup": [{**sample, "repeat": -1}]}
    for interval in (1, 5):
        run.save(CellKey("micro", "copy", interval), record(timing=timing))
    table = read_samples(run.path)
    assert list(table["warmup"]) == [True, False]
    assert list(table["labels"]) == [0.25, 0.25]
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
