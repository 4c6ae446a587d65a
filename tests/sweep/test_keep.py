"""Label maps that a sweep keeps: those that it scored, whoever computed them, and scored again to the bit."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from fake_sweep import sweep
from harness_fakes import LabelMap, Network, Wandering, as_frames, fake_build, small_data

from bench.cli.main import main
from bench.data import Clip, Dataset, Frame, colour_map
from bench.evaluate.scores import Score
from bench.runs.kept_labels import LabelStore
from bench.runs.read import read_cells
from bench.runs.records.cell import CellKey
from bench.sweep import merge_parts, run_score, score
from bench.sweep.crew_worker import Kit
from bench.sweep.shard import Shard
from mpvss.errors import UserError

METHODS = ("per-frame", "wander")
CLIPS = ("clip0", "clip1", "clip2", "clip3")
DATA = small_data(clips=len(CLIPS))
keeping = partial(sweep, methods=METHODS, dataset=DATA, only=("accuracy",), backbones=("small",), keep_labels=True)


def small_kit(number: int) -> Kit:
    return Kit(DATA, fake_build, torch.device("cpu"))


def files(run) -> dict[str, bytes]:
    return {str(file.relative_to(run)): file.read_bytes() for file in sorted((run / "labels").rglob("*.zip"))}


def cells(run) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((run / "cells").iterdir())}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    run = tmp_path_factory.mktemp("keep") / "run"
    assert keeping(run) == []
    return run


@pytest.fixture
def run(made, tmp_path):
    """A copy, to be damaged."""
    return shutil.copytree(made, tmp_path / "run")


def test_the_maps_are_those_of_the_method(made):
    store = LabelStore(made)
    for interval in (1, 3):
        for index, name in enumerate(CLIPS):
            segmenter, state = Wandering(Network()), None
            kept = list(store.read(CellKey("small", "wander", interval), index, name).maps())
            for time, (frame, found) in enumerate(zip(as_frames(DATA, index), kept, strict=True)):
                prediction, state = segmenter.propagate(frame, state) if time % interval else segmenter.segment(frame)
                np.testing.assert_array_equal(found.labels, prediction.labels().numpy())
    assert len(files(made)) == 3 * len(CLIPS)


def test_scores_from_files_equal_the_sweeps_to_the_bit(run, monkeypatch):
    before = cells(run)
    monkeypatch.setattr("bench.sweep.run_sweep.set_up", None)  # nothing is built
    assert score(run).changed == ()
    assert cells(run) == before
    for file in (run / "cells").iterdir():
        record = json.loads(file.read_text())
        for measure in ("mvc8", "wiou", "class_iou"):
            del record["accuracy"][measure]  # as of a version that did not measure it
        file.write_text(json.dumps(record))
    again = score(run)
    assert set(again.changed) == set(again.scored) == {record.key for record in read_cells(run)}
    assert cells(run) == before


def test_a_measure_that_cannot_be_taken_now_stays(run, monkeypatch):
    before, measures = cells(run), Score.measures
    monkeypatch.setattr(Score, "measures", lambda self: {**measures(self), "mvc8": None})
    assert score(run).changed == ()
    assert cells(run) == before


def test_the_cost_of_a_scored_cell_stays(tmp_path, capsys):
    keeping(tmp_path, methods=("wander",), only=("accuracy", "cost"))
    before = cells(tmp_path)
    for file in (tmp_path / "cells").iterdir():
        record = json.loads(file.read_text())
        record["accuracy"]["miou"] = 0.5
        file.write_text(json.dumps(record))
    assert main(["score", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "| wander" in said.out
    assert "scored the label maps of 2 cells; the measures of 2 changed" in said.err
    assert cells(tmp_path) == before


@pytest.mark.slow
def test_workers_keep_what_one_process_keeps(made, tmp_path):
    assert keeping(tmp_path, workers=2, recipe=small_kit) == []
    assert files(tmp_path) == files(made)
    assert cells(tmp_path) == cells(made)


def test_parts_are_merged_with_their_maps(made, tmp_path):
    for number in (1, 2):
        keeping(tmp_path / str(number), shard=Shard(number, 2))
    merge_parts([tmp_path / "2", tmp_path / "1"], tmp_path / "run")
    assert files(tmp_path / "run") == files(made)
    assert score(tmp_path / "run").changed == ()
    assert score(tmp_path / "1").changed == ()  # of its own clips
    shutil.rmtree(tmp_path / "2" / "labels")
    with pytest.raises(UserError, match=r"2 \(part 2/2\) keeps no label maps of per-frame .* with --keep labels"):
        merge_parts([tmp_path / "1", tmp_path / "2"], tmp_path / "other")
    next((tmp_path / "1" / "labels" / "small--wander--003").iterdir()).unlink()
    with pytest.raises(UserError, match=r"1 \(part 1/2\) lacks the label maps of wander with small at interval 3"):
        merge_parts([tmp_path / "1", tmp_path / "2"], tmp_path / "other")


def test_it_resumes_with_the_clips_whose_maps_are_missing(run, made):
    shutil.rmtree(run / "labels" / "small--wander--003")
    (run / "labels" / "small--wander--001" / "00002-clip2.zip").unlink()
    (run / "labels" / "small--wander--001" / ".00002-clip2.zip.x.part").write_bytes(b"killed")
    networks = []

    def build(methods, backbone):
        built = fake_build(methods, backbone)
        networks.append(next(iter(built.segmenters.values()))._network)
        assert methods == ["wander"]
        return built

    assert keeping(run, build=build) == []
    assert files(run) == files(made)
    before, after = ({record.key: record.clips for record in read_cells(path)} for path in (made, run))
    assert after == before
    assert not list(run.rglob("*.part"))
    assert keeping(run, build=None) == []  # nothing is missing now


def test_maps_can_be_kept_of_a_run_that_was_made_without(made, tmp_path):
    keeping(tmp_path, keep_labels=False)
    with pytest.raises(UserError, match="keeps no label maps; sweep with --keep labels"):
        score(tmp_path)
    assert not (tmp_path / "labels").exists()
    keeping(tmp_path)
    assert files(tmp_path) == files(made)


def test_a_method_that_fails_leaves_no_maps_of_the_clip(tmp_path):
    keeping(tmp_path, methods=("failing", "wander"))
    assert {file.split("--")[1] for file in files(tmp_path)} == {"wander"}


def test_maps_of_another_run_are_refused(run, tmp_path):
    other = tmp_path / "other"

    def shifted(methods, backbone):
        built = fake_build(methods, backbone)
        built.segmenters["wander"]._shift = 2
        return built

    keeping(other, build=shifted)
    place = "labels/small--wander--003/00001-clip1.zip"
    shutil.copy(other / place, run / place)
    before = cells(run)
    with pytest.raises(UserError, match=r"wander with small at interval 3 are not those that were scored: clip clip1"):
        score(run)
    assert cells(run) == before


def test_other_data_are_refused(run, tmp_path):
    with pytest.raises(UserError, match=r"size=48x32,seed=1 is generated:.*, and the run is of generated:clips=4"):
        score(run, data="generated:clips=4,frames=18,size=48x32,seed=1")
    (run / "labels" / "small--wander--001" / "00003-clip3.zip").unlink()
    with pytest.raises(UserError, match=r"00003-clip3.zip is missing; rerun the sweep with --keep labels"):
        score(run)


def test_nothing_to_keep_is_refused(tmp_path, capsys):
    for options, words in (
        (["--keep", "logits"], "unknown thing to keep 'logits'; known are labels"),
        (["--keep", "labels", "--only", "cost"], "labels cannot be kept where the accuracy is not measured"),
    ):
        assert main(["sweep", *options, "--out", str(tmp_path / "run")]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


ROWS = 10


def sparse() -> Dataset:
    """Ten rows, of which four are of class 0, and labels on frame 4 alone."""

    def read():
        for index in range(5):
            image = np.full((3, ROWS, 4), index, np.uint8)
            image[0] = (np.arange(ROWS) >= 4)[:, None]
            yield Frame(image, image[0].copy() if index == 4 else None, str(index))

    clip = Clip("a", read, 5, labelled=True, num_classes=2, labelled_frames=(4,))
    return Dataset("sparse", (clip,), ("upper", "lower"), colour_map(2), "sparse")


class Ageing:
    """Right on a key frame; d frames after it, d rows are wrong."""

    num_classes = 2

    def segment(self, frame):
        return self._predict(frame, 0), 0

    def propagate(self, frame, state):
        return self._predict(frame, state + 1), state + 1

    def _predict(self, frame, age):
        classes = frame[0].clone()
        classes[:age] = 1
        return LabelMap(classes)


def test_maps_at_every_distance_are_kept_and_scored(tmp_path, monkeypatch):
    def build(methods, backbone):
        return replace(fake_build((), backbone), segmenters={m: Ageing() for m in methods}, weights={"m": "w"})

    sweep(
        tmp_path,
        ("m",),
        sparse(),
        build,
        only=("accuracy",),
        backbones=("small",),
        keep_labels=True,
    )
    kept = list(LabelStore(tmp_path).read(CellKey("small", "m", 3), 0, "a").maps())
    assert [(found.frame, found.distance, int((found.labels == 0).sum())) for found in kept] == [
        (4, 0, 16),
        (4, 1, 12),
        (4, 2, 8),
    ]
    before = cells(tmp_path)
    monkeypatch.setattr(run_score, "open_data_of", lambda *arguments: sparse())
    assert score(tmp_path).changed == ()
    assert cells(tmp_path) == before
