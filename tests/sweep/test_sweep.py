"""A sweep measures every cell, survives failures and being killed, and refuses bad data without losing anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_sweep import sweep
from harness_fakes import Network, PerFrame, Wandering, as_frames, fake_build, small_data

from bench import metrics
from bench.data import Frame
from bench.data.limit import limit
from bench.evaluate.memo import Memo
from bench.methods.builder import Built
from bench.methods.weights import Weights
from bench.runs.read import read_clip_counts, read_run
from bench.runs.records.cell import CellKey
from bench.sweep.grid import Grid

ROOT = Path(__file__).resolve().parents[2]


def start(out: Path, pause: float) -> subprocess.Popen:
    program = Path(__file__).parents[1] / "fake_sweep.py"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, program, out, str(pause), "per-frame", "wander"], env=environment)


def test_every_cell_has_what_was_asked(tmp_path):
    assert sweep(tmp_path / "run", ("per-frame", "wander")) == []
    table = read_run(tmp_path / "run")
    cells = list(zip(table["backbone"], table["method"], table["interval"], strict=True))
    assert cells == [
        (backbone, *cell)
        for backbone in ("small", "large")
        for cell in (("per-frame", 1), ("wander", 1), ("wander", 3))
    ]
    assert set(table["weights"]) == {"untrained"}
    # Interval 3 over 18 frames: 6 key frames of 5 G and 12 others of 1 G.
    assert list(table["mean_macs"][:3]) == [5e9, 5e9, 42e9 / 18]
    assert (table["fps_labels"] > 0).all()
    assert table["p50_non_key_ms"].isna().tolist() == [True, True, False] * 2
    assert (table["labelled_frames"] == 4 * 18).all()
    assert not list((tmp_path / "run" / "partial").glob("*"))


def test_the_mean_cost_is_over_the_clips_that_are_scored(tmp_path):
    """Clips of 43 and 13 frames, where 15 frames have 3 key frames at intervals 5, 6 and 7 alike."""
    whole = small_data(clips=2, frames=43)
    data = replace(whole, clips=(whole.clips[0], limit(whole, None, 13).clips[1]))
    intervals = (5, 6, 7, 10)
    sweep(tmp_path / "run", ("wander",), data, intervals=intervals, backbones=("small",))
    table = read_run(tmp_path / "run").set_index("interval")
    for interval, keys in zip(intervals, (9 + 3, 8 + 3, 7 + 2, 5 + 2), strict=True):
        row = table.loc[interval]
        assert row["mean_macs"] == pytest.approx((keys * 5e9 + (56 - keys) * 1e9) / 56, rel=1e-12)
        assert row["long_run_macs"] == pytest.approx((5e9 + (interval - 1) * 1e9) / interval, rel=1e-12)
    assert table["mean_macs"].is_monotonic_decreasing


def test_accuracy_is_that_of_the_metrics_over_the_cell_alone(tmp_path):
    dataset = small_data(clips=2)
    sweep(tmp_path / "run", ("wander",), dataset)
    confusion = np.zeros((6, 6), np.int64)
    loose, strict = metrics.VideoConsistency(), metrics.StrictVideoConsistency()
    for index, clip in enumerate(dataset.clips):
        segmenter, state = Wandering(Network()), None
        frames = as_frames(dataset, index)
        for time_, (tensor, frame) in enumerate(zip(frames, clip.frames(), strict=True)):
            prediction, state = segmenter.propagate(tensor, state) if time_ % 3 else segmenter.segment(tensor)
            labels = prediction.labels().numpy()
            assert frame.labels is not None
            confusion += metrics.confusion_matrix(frame.labels, labels, 6)
            loose.update(frame.labels, labels)
            strict.update(frame.labels, labels)
        loose.end_clip()
        strict.end_clip()
    (cell,) = [
        c for c in read_run(tmp_path / "run").to_dict("records") if (c["backbone"], c["interval"]) == ("small", 3)
    ]
    assert cell["miou"] == metrics.mean_iou(confusion)
    assert cell["wiou"] == metrics.weighted_iou(confusion)
    stored = read_clip_counts(tmp_path / "run")[CellKey("small", "wander", 3)]
    assert stored.names == tuple(clip.name for clip in dataset.clips)
    pooled = np.stack((confusion.diagonal(), confusion.sum(1), confusion.sum(0)), axis=-1)
    np.testing.assert_array_equal(stored.counts.sum(0), pooled[None])
    for name, measure in (("mvc8", loose), ("mvc8_strict", strict)):
        assert cell[name] == pytest.approx(measure.mean(8), abs=1e-12)
    assert 0 < cell["mvc8"] != cell["mvc8_strict"]


def test_killed_midway_and_started_again_gives_the_same_accuracy(tmp_path):
    sweep(tmp_path / "whole", ("per-frame", "wander"))
    run = tmp_path / "killed"
    # 4 clips of 18 frames at 10 ms: the kill comes after the second clip's file and before the fourth's.
    first = start(run, 0.01)
    wanted = run / "partial" / "small" / "00001-clip1.npz"
    deadline = time.monotonic() + 60
    while not wanted.exists() and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    first.kill()
    first.wait()
    assert wanted.exists()
    assert not list((run / "cells").iterdir())
    finished = len(list((run / "partial" / "small").glob("*.npz")))
    assert finished in (2, 3)

    scored = []

    def build(methods, backbone):
        built = fake_build(methods, backbone)
        network = next(iter(built.segmenters.values()))._network
        scored.append((backbone, network))
        return built

    assert sweep(run, ("per-frame", "wander"), build=build) == []
    backbone, network = scored[0]
    assert backbone == "small"
    # Each frame of the clips that are left is segmented once, and no frame of those that had been finished.
    assert network.calls["classes"] == (4 - finished) * 18
    fields = [
        "backbone",
        "method",
        "interval",
        "miou",
        "wiou",
        "mvc8",
        "mvc16",
        "mvc8_strict",
        "class_iou",
        "mean_macs",
        "miou_low",
        "wiou_high",
    ]
    whole, resumed = (read_run(tmp_path / name)[fields].to_dict("records") for name in ("whole", "killed"))
    assert json.dumps(whole) == json.dumps(resumed)


def test_a_backbone_that_is_a_path_removes_nothing_outside_the_run(tmp_path):
    model = tmp_path / "models" / "seg"
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}")
    (tmp_path / "runs" / "run").mkdir(parents=True)
    for backbone in ("hf:../../../models/seg", "../../../models/seg", "..", "."):
        out = tmp_path / "runs" / backbone.replace("/", "-").replace(".", "-")
        sweep(out, ("wander",), small_data(clips=1), backbones=(backbone,))
        assert (model / "config.json").is_file()
        assert not list((out / "partial").iterdir())
        assert list(read_run(out)["backbone"]) == [backbone] * 2


def test_unfinished_work_that_lies_elsewhere_is_not_removed(tmp_path):
    elsewhere = tmp_path / "elsewhere" / "small"
    elsewhere.mkdir(parents=True)
    sweep(tmp_path / "run", ("per-frame",), small_data(clips=1), backbones=("large",))
    (tmp_path / "run" / "partial").rmdir()
    (tmp_path / "run" / "partial").symlink_to(tmp_path / "elsewhere")
    sweep(tmp_path / "run", ("per-frame",), small_data(clips=1), backbones=("small",))
    assert elsewhere.is_dir()


def test_a_second_start_measures_what_is_missing_alone(tmp_path):
    run = tmp_path / "run"
    sweep(run, ("wander",))
    before = {path.name: path.stat().st_mtime_ns for path in (run / "cells").iterdir()}
    sweep(run, ("wander", "per-frame"), intervals=(1, 2, 3))
    after = {path.name: path.stat().st_mtime_ns for path in (run / "cells").iterdir()}
    assert before.items() <= after.items()
    assert len(after) == 2 * (3 + 1)


def test_a_failed_method_is_recorded_and_tried_again(tmp_path, capsys):
    run = tmp_path / "run"
    failed = sweep(run, ("failing", "wander"))
    # At interval 1 the method never propagates, but it failed as a whole.
    assert failed == [CellKey(b, "failing", i) for b in ("small", "large") for i in (1, 3)]
    table = read_run(run)
    assert list(table[table["status"] == "failed"]["method"]) == ["failing"] * 4
    assert table[table["method"] == "failing"]["miou"].isna().all()
    assert "accuracy: RuntimeError: out of luck" in table["error"].iloc[0]
    assert "failing failed at interval 1, 3: accuracy: RuntimeError: out of luck" in capsys.readouterr().err
    assert table[table["method"] == "wander"]["miou"].notna().all()

    def mended(methods, backbone):
        network = Network(memo := Memo())
        segmenters = {method: Wandering(network) for method in methods}
        return Built(segmenters, dict.fromkeys(methods, "untrained"), memo=memo)

    assert sweep(run, ("failing", "wander"), build=mended) == []
    assert (read_run(run)["status"] == "ok").all()


def test_what_failed_is_tried_again_and_nothing_else(tmp_path):
    run = tmp_path / "run"

    def costly(*cell):
        raise NotImplementedError("no count")

    assert len(sweep(run, ("wander",), cost_of=costly)) == 4
    before = read_run(run)
    assert list(before["error"]) == ["cost: NotImplementedError: no count"] * 4

    def build(methods, backbone):
        raise AssertionError("nothing is to be run again")

    assert sweep(run, ("wander",), build=build) == []
    after = read_run(run)
    assert list(after["status"]) == ["ok"] * 4
    assert list(after["fps_labels"]) == list(before["fps_labels"])
    assert list(after["key_macs"]) == [5e9] * 4


def test_a_method_that_cannot_be_built_is_recorded(tmp_path):
    def build(methods, backbone):
        error = MemoryError("too large")
        good = {method: PerFrame(Network()) for method in methods if method != "big"}
        failed = dict.fromkeys({"big"} & set(methods), error)
        return Built(good, dict.fromkeys(good, "untrained"), failed)

    assert len(sweep(tmp_path / "run", ("big", "per-frame"), build=build)) == 4
    table = read_run(tmp_path / "run")
    assert table["error"].iloc[0] == "accuracy: MemoryError: too large; timing: MemoryError: too large"


def test_data_without_labels_has_no_accuracy(tmp_path):
    labelled = small_data(clips=1, frames=4)
    (clip,) = labelled.clips
    read = lambda: (Frame(frame.image, None, frame.name) for frame in clip.read())  # noqa: E731
    dataset = replace(labelled, clips=(replace(clip, read=read, labelled=False),))
    assert sweep(tmp_path / "run", ("wander",), dataset) == []
    table = read_run(tmp_path / "run")
    assert table["miou"].isna().all()
    assert (table["fps_labels"] > 0).all()
    assert set(table["weights"]) == {"untrained"}


def test_bad_data_is_refused_and_what_is_done_is_kept(tmp_path):
    good = small_data(clips=2, frames=4)
    first, second = good.clips

    def changing():
        for index, frame in enumerate(second.read()):
            yield replace(frame, image=frame.image[:, :20], labels=None) if index == 2 else frame

    dataset = replace(good, clips=(first, replace(second, read=changing)))
    with pytest.raises(ValueError, match=r"clip clip1, frame .*must share one size"):
        sweep(tmp_path / "run", ("wander",), dataset)
    assert [path.name for path in (tmp_path / "run" / "partial" / "small").iterdir()] == ["00000-clip0.npz"]


@pytest.mark.parametrize(
    ("methods", "intervals", "words"), [((), (1,), "no methods"), (("copy",), (0,), "interval is 0; it must be 1")]
)
def test_grids_that_cannot_be_are_refused(methods, intervals, words):
    with pytest.raises(ValueError, match=words):
        Grid(methods, ("micro",), intervals)


def test_limits_shorten_the_data():
    dataset = limit(small_data(clips=3, frames=9), clips=2, frames=4)
    assert [(len(list(clip.frames())), clip.num_frames) for clip in dataset.clips] == [(4, 4), (4, 4)]
    with pytest.raises(ValueError, match="frames is 0"):
        limit(dataset, clips=None, frames=0)


def test_weights_go_to_the_method_that_is_named_first(tmp_path):
    weights = Weights({"r50": Path("all"), "r50/mpvss": Path("one")})
    assert weights.file("mpvss", "r50") == Path("one")
    assert weights.file("copy", "r50") == Path("all")
    assert weights.file("copy", "r101") is None
    assert weights.pairs(["copy"], ["r50", "r101"]) == [("copy", "r50")]
