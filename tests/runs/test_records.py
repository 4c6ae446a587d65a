"""Files that do not fit their record are refused with the file and the field; what is written fits."""

from __future__ import annotations

import json
import math

import made_records
import pytest
from made_records import START, cell_record
from msgspec import structs

from bench.runs.read import read_cells, read_run, read_run_record
from bench.runs.record_file import read_record, write_record
from bench.runs.records.cell import CellRecord
from bench.runs.records.cost import CostRecord
from bench.runs.records.peer import PeerRecord
from bench.runs.records.run import RunRecord
from bench.runs.write import open_run
from mpvss.errors import UserError

CLIP = {"name": "x", "classes": [0, 1], "truth": [5, 6], "intersection": [[1, 2]], "predicted": [[3, 2]]}
SAMPLES = {"round": [0, 0], "frame": [0, 1], "key": [True, False], "seconds": [0.5, 0.25]}
PARTS = {
    "accuracy": {"miou": 0.5, "labelled_frames": 3, "class_iou": [0.5, None]},
    "clips": [CLIP],
    "cost": {"parameters": 3, "key_macs": 2, "non_key_macs": 1, "mean_macs": 1.5},
    "timing": {"samples": {"labels": SAMPLES}, "warmup": {}},
    "memory": {"host_peak_bytes": 9},
}


@pytest.fixture
def run(tmp_path):
    run = open_run(tmp_path / "run", made_records.configuration(), made_records.asked(["copy"], ["micro"], [5]), START)
    run.save(cell_record("micro", "copy", 5, **PARTS))
    return run


def cell_file(run):
    (file,) = (run.path / "cells").iterdir()
    return file


def planted(file, path, value):
    """The file's content with one value changed, or taken away where it is `...`."""
    content = json.loads(file.read_text())
    at = content
    for name in path[:-1]:
        at = at[name]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"schema": 1, "backb', "damaged"),
        (b"\xff\xfe", "damaged"),
        (b"[" * 100_000, "damaged"),
        (b'{"schema": 4, "interval": NaN}', "damaged"),
        (b'{"schema": 4, "interval": 1e999}', "damaged"),
        (b'{"schema": 99}', "has schema 99; this version reads schemas up to 4"),
        (b'{"schema": "2"}', "has schema '2'"),
        (b'{"schema": true}', "has schema True"),
        (b"[]", "holds a list, not an object"),
        (b"{}", "names no schema"),
        (b'{"schema": 1}', "does not fit"),
        (b'{"schema": 2}', "does not fit schema 2 .the field 'method' is missing"),
        (b'{"schema": 4}', "does not fit: .*missing required field `backbone`"),
        (b'{"schema": 1, "timing": {"samples": 3, "warmup": []}}', "does not fit schema 1"),
    ],
)
def test_damaged_files_and_unknown_schemas_are_named(run, content, words):
    (run.path / "cells" / "broken.json").write_bytes(content)
    with pytest.raises(UserError, match=rf"broken\.json.*{words}"):
        read_run(run.path)


@pytest.mark.parametrize("content", ["[]", '{"schema": 2}', '{"schema": 2, "asked": 3}', "NaN", ""])
@pytest.mark.parametrize("kind", [RunRecord, CellRecord, PeerRecord, CostRecord])
def test_every_record_refuses_what_is_none(tmp_path, kind, content):
    file = tmp_path / "x.json"
    file.write_text(content)
    with pytest.raises(UserError, match=r"x\.json"):
        read_record(file, kind)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["interval"], 0, "`interval`"),
        (["interval"], 2.5, "`int`, got `float` - at `interval`"),
        (["backbone"], 3, "`str`, got `int` - at `backbone`"),
        (["accuracy"], [1], "`accuracy`"),
        (["accuracy", "miou"], 1.5, "<= 1.0 - at `accuracy.miou`"),
        (["accuracy", "miou"], "0.5", "`accuracy.miou`"),
        (["accuracy", "class_iou"], [0.5], "accuracy.class_iou has 1 values, and the run 2 classes"),
        (["cost", "parameters"], -1, ">= 0 - at `cost.parameters`"),
        (["cost", "width"], 0, "`cost.width`"),
        (["cost", "macs"], 1, "unknown field `macs`"),
        (["clips", 0, "classes"], [0, 2], "clips.classes has 2, and the run 2 classes"),
        (["clips", 0, "classes"], [0, 3 * 10**9], "clips.classes has 3000000000"),
        (["clips", 0, "classes"], [1, 0], r"must ascend - at `clips\[0\]`"),
        (["clips", 0, "classes"], [0], "differ in length: `classes` 1, `truth` 2"),
        (["clips", 0, "predicted"], [[3, 2], [3, 2]], "differ in length: `intersection` 1, `predicted` 2"),
        (["clips", 0, "intersection"], [[1, 3]], "more pixels than `truth` or `predicted`"),
        (["clips", 0, "truth"], [5, 2**60], "`clips"),
        (["timing", "samples", "labels", "seconds"], [0.5], "differ in length"),
        (["timing", "samples", "labels", "seconds"], [0.5, -1], ">= 0"),
        (["timing", "late"], {"labels": {"nan.33": 0.5}}, "the deadline 'nan.33'; it must be a number above 0"),
        (["timing", "late"], {"labels": {"1e999": 0.5}}, "the deadline '1e999'"),
        (["timing", "samples", "elsewhere"], SAMPLES, "Invalid enum value 'elsewhere'"),
        (["start"], 1, "start is 1, and the run has 1 starts"),
        (["errors"], ..., "missing required field `errors`"),
        (["errors"], {"weights": "no"}, "Invalid enum value 'weights'"),
    ],
)
def test_a_cell_that_does_not_fit_is_refused_with_its_file_and_field(run, path, value, words):
    planted(cell_file(run), path, value)
    with pytest.raises(UserError, match=rf"micro--copy--005\.json does not fit: .*{words}"):
        read_cells(run.path)


def test_clips_at_as_many_distances_as_the_interval_or_one(run):
    two = {**CLIP, "intersection": [[1, 2]] * 2, "predicted": [[3, 2]] * 2}
    five = {**CLIP, "intersection": [[1, 2]] * 5, "predicted": [[3, 2]] * 5}
    planted(cell_file(run), ["clips"], [five, five])
    assert len(read_cells(run.path)) == 1
    for clips, listed in (
        ([five, CLIP], "1, 5"),
        ([two], "2"),
    ):
        planted(cell_file(run), ["clips"], clips)
        with pytest.raises(UserError, match=rf"scored at {listed} distances; at interval 5"):
            read_cells(run.path)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["asked", "intervals"], [0], "`asked.intervals"),
        (["asked"], ["copy"], "`asked`"),
        (["starts"], [], "`starts`"),
        (["starts", 0, "environment", "threads"], 0, r"`starts\[0\].environment.threads`"),
        (["starts", 0, "environment", "date"], ..., r"`date` - at `starts\[0\].environment`"),
        (["configuration", "classes"], ["x"] * 256, "`configuration.classes`"),
        (["configuration", "execution"], "fast", "'fast' - at `configuration.execution`"),
    ],
)
def test_a_run_that_does_not_fit_is_refused_with_its_file_and_field(run, path, value, words):
    planted(run.path / "run.json", path, value)
    with pytest.raises(UserError, match=rf"run\.json does not fit: .*{words}"):
        read_run_record(run.path)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1.5])
def test_what_does_not_fit_is_not_written(run, tmp_path, value):
    record = cell_record("micro", "copy", 5, **PARTS)
    wrong = structs.replace(record, accuracy=structs.replace(record.accuracy, miou=value))
    file = cell_file(run)
    before = file.read_bytes()
    with pytest.raises(ValueError, match=r">= 0\.0|<= 1\.0"):
        write_record(file, wrong)
    assert file.read_bytes() == before


def test_a_record_is_read_as_it_was_written(run):
    (record,) = read_cells(run.path)
    assert record == cell_record("micro", "copy", 5, **PARTS)


def test_a_cost_file_has_one_kind_of_content(tmp_path):
    file = tmp_path / "cost-x.json"
    for content in ({}, {"cells": [], "stages": []}, {"rows": []}):
        file.write_text(json.dumps({"schema": 2, **content}))
        with pytest.raises(UserError, match=r"cost-x\.json does not fit: "):
            read_record(file, CostRecord)
