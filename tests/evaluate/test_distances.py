"""Clips with single labelled frames are scored at every distance from the key frame, and the distances averaged.

The clips are 10 rows high: `top` rows of class 0 above rows of class 1. The method `decaying` is right on a key frame,
and d frames after it takes d of the top rows for class 1.
"""

from __future__ import annotations

import io
import shutil
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from fake_sweep import sweep
from harness_fakes import LabelMap, Network, Wandering, as_frames, small_data
from PIL import Image
from torch import Tensor

from bench.cli.main import main
from bench.data import Clip, Dataset, Frame, colour_map
from bench.data.limit import limit
from bench.evaluate.clip_store import ClipStore
from bench.evaluate.lockstep import Cell, Lockstep
from bench.evaluate.memo import Memo
from bench.evaluate.scorers import DistanceScorer
from bench.evaluate.scores import Score
from bench.methods.builder import Built
from bench.report import report
from bench.runs.read import read_run
from bench.sweep.grid import Grid

ROWS, COLUMNS = 10, 4
LABELLED = {"a": (7,), "b": (5, 7)}
TOP = {"a": 4, "b": 8}
# Over all three labelled frames: 4 + 8 + 8 rows of class 0, 6 + 2 + 2 of class 1.
MIOU = [((20 - 3 * d) / 20 + 10 / (10 + 3 * d)) / 2 for d in range(4)]
WIOU = [2 / 3 * (20 - 3 * d) / 20 + 1 / 3 * 10 / (10 + 3 * d) for d in range(4)]
ACCURACY = [(30 - 3 * d) / 30 for d in range(4)]


def frame(name: str, index: int) -> Frame:
    """Channel 0 is the truth, channel 1 the frame's number."""
    image = np.full((3, ROWS, COLUMNS), index, np.uint8)
    image[0] = (np.arange(ROWS) >= TOP[name])[:, None]
    return Frame(image, image[0].copy() if index in LABELLED[name] else None, str(index))


def clip(name: str) -> Clip:
    def read():
        for index in range(10):
            assert (name, index) != ("b", 8), "frames after the last label are not read"
            yield frame(name, index)

    return Clip(name, read, 10, labelled=True, num_classes=2, labelled_frames=LABELLED[name])


def dataset() -> Dataset:
    return Dataset("sparse", (clip("a"), clip("b")), ("upper", "lower"), colour_map(2), "sparse")


@dataclass(frozen=True)
class State:
    key: int
    age: int


class Decaying:
    num_classes = 2

    def __init__(self) -> None:
        self.segmented: list[int] = []
        self.propagated: list[tuple[int, int]] = []
        self.labels_made = 0

    def segment(self, frame: Tensor) -> tuple[LabelMap, State]:
        self.segmented.append(int(frame[1, 0, 0]))
        return self.predict(frame, 0), State(self.segmented[-1], 0)

    def propagate(self, frame: Tensor, state: State) -> tuple[LabelMap, State]:
        self.propagated.append((state.key, int(frame[1, 0, 0])))
        return self.predict(frame, state.age + 1), replace(state, age=state.age + 1)

    def predict(self, frame: Tensor, age: int) -> LabelMap:
        owner = self

        class Counted(LabelMap):
            def labels(self) -> Tensor:
                owner.labels_made += 1
                return self.classes

        classes = frame[0].clone()
        classes[:age] = 1
        return Counted(classes)


def build(methods, backbone) -> Built:
    return Built({method: Decaying() for method in methods}, dict.fromkeys(methods, "untrained"))


def walk(segmenter, name: str, intervals) -> list[tuple[int, list]]:
    """The groups of each frame."""
    cells = [Cell("m", interval) for interval in intervals]
    lockstep = Lockstep({"m": segmenter}, cells, Memo(), LABELLED[name])
    groups = [lockstep.step(torch.from_numpy(frame(name, index).image)) for index in range(10)]
    assert not lockstep.failed
    return groups


def test_a_cell_is_the_mean_over_the_distances(tmp_path):
    assert sweep(tmp_path / "run", ("per-frame", "decaying"), dataset(), build=build, intervals=(1, 2, 4)) == []
    table = read_run(tmp_path / "run")
    for row in table.to_dict("records"):
        k = row["interval"]
        assert row["miou_by_distance"] == pytest.approx(MIOU[:k], abs=1e-12)
        assert row["miou"] == pytest.approx(sum(MIOU[:k]) / k, abs=1e-12)
        assert row["wiou"] == pytest.approx(sum(WIOU[:k]) / k, abs=1e-12)
        assert row["pixel_accuracy"] == pytest.approx(sum(ACCURACY[:k]) / k, abs=1e-12)
        assert row["class_iou"][1] == pytest.approx(sum(10 / (10 + 3 * d) for d in range(k)) / k, abs=1e-12)
        assert row["labelled_frames"] == 3
        assert pd.isna([row[name] for name in ("mvc8", "mvc16", "mvc8_strict", "mvc16_strict")]).all()
    assert table["interval"].tolist() == [1, 1, 2, 4] * 2


def test_key_frames_lie_at_every_distance_and_each_is_followed_once():
    method = Decaying()
    groups = walk(method, "a", (1, 2, 4))
    assert method.segmented == [4, 5, 6, 7]  # nothing before the first key frame
    assert sorted(method.propagated) == [(4, 5), (4, 6), (4, 7), (5, 6), (5, 7), (6, 7)]
    assert method.labels_made == 4
    assert [len(found) for found in groups] == [0] * 7 + [4, 0, 0]
    one, two, four = (Cell("m", interval) for interval in (1, 2, 4))
    assert {group.distance: group.cells for group in groups[7]} == {
        0: (one, two, four),
        1: (two, four),
        2: (four,),
        3: (four,),
    }
    for group in groups[7]:
        assert (group.labels[:, 0] == 0).sum() == 4 - group.distance


def test_equals_each_distance_run_alone_on_methods_whose_state_goes_on():
    frames = as_frames(small_data(clips=1, frames=14))
    network = Network(memo := Memo())
    segmenters = {"a": Wandering(network, 1), "b": Wandering(network, 2)}
    cells = [Cell(method, interval) for method in "ab" for interval in (1, 3, 6)]
    lockstep = Lockstep(segmenters, cells, memo, (12,))
    found = [group for frame in frames for group in lockstep.step(frame)]
    assert network.calls == {"classes": 6, "flow": 5 + 4 + 3 + 2 + 1}  # shared by the two methods
    for shift, method in enumerate("ab", 1):
        for distance in range(6):
            alone = Wandering(Network(), shift)
            prediction, state = alone.segment(frames[12 - distance])
            for frame in frames[13 - distance : 13]:
                prediction, state = alone.propagate(frame, state)
            (labels,) = [g.labels for g in found if g.distance == distance and Cell(method, 6) in g.cells]
            np.testing.assert_array_equal(labels, prediction.labels().numpy())


def test_labelled_frames_that_are_near_share_their_key_frames():
    method = Decaying()
    groups = walk(method, "b", (4,))
    assert method.segmented == [2, 3, 4, 5, 6, 7]
    # Keys 2 and 3 go on to frame 5, and 4 to 6 to frame 7: 3 + 2 + 3 + 2 + 1.
    assert len(method.propagated) == len(set(method.propagated)) == 11
    assert method.labels_made == 8
    assert [sorted(group.distance for group in groups[index]) for index in (5, 6, 7)] == [
        [0, 1, 2, 3],
        [],
        [0, 1, 2, 3],
    ]


def test_per_frame_segments_the_labelled_frames_alone():
    method = Decaying()
    walk(method, "b", (1,))
    assert (method.segmented, method.propagated) == ([5, 7], [])


def test_a_sweep_that_was_stopped_scores_the_clips_that_are_left(tmp_path):
    sweep(tmp_path / "whole", ("per-frame", "decaying"), dataset(), build=build, intervals=(1, 2, 4))

    def stop():
        yield frame("b", 0)
        raise KeyboardInterrupt

    stopping = replace(dataset(), clips=(clip("a"), replace(clip("b"), read=stop)))
    run = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        sweep(run, ("per-frame", "decaying"), stopping, build=build, intervals=(1, 2, 4))
    assert [file.name for file in (run / "partial/small").iterdir()] == ["00000-a.npz"]
    built = []

    def keep(methods, backbone):
        built.append(build(methods, backbone))
        return built[-1]

    assert sweep(run, ("per-frame", "decaying"), dataset(), build=keep, intervals=(1, 2, 4)) == []
    assert built[0].segmenters["decaying"].segmented == [2, 3, 4, 5, 6, 7]  # clip b's alone
    fields = ["backbone", "method", "interval", "miou", "wiou", "pixel_accuracy", "class_iou", "miou_by_distance"]
    whole, resumed = (read_run(tmp_path / name)[fields].to_dict("records") for name in ("whole", "stopped"))
    assert whole == resumed


def test_intervals_may_be_added(tmp_path):
    run = tmp_path / "run"
    sweep(run, ("decaying",), dataset(), build=build, intervals=(1, 2))
    sweep(run, ("decaying",), dataset(), build=build, intervals=(1, 2, 3))
    table = read_run(run)
    assert table["interval"].tolist() == [1, 2, 3] * 2
    assert table["miou"].tolist() == pytest.approx([sum(MIOU[:k]) / k for k in (1, 2, 3)] * 2, abs=1e-12)


def test_scores_come_back_from_the_store_as_they_were(tmp_path):
    cells = [Cell("m", interval) for interval in (1, 2, 4)]
    scorer = DistanceScorer(cells, 2)
    for index, groups in enumerate(walk(Decaying(), "a", (1, 2, 4))):
        scorer.update(frame("a", index).labels, groups)
    scores = scorer.end(())
    assert scorer.end(("m",)) == {}
    store = ClipStore(tmp_path)
    store.save(0, "a", scores)
    loaded = store.load(0, "a")
    assert list(loaded) == cells
    for cell, score in scores.items():
        # In pixels, d rows of 4 columns of class 0 are taken for class 1.
        expected = [[[4 * (4 - d), 4 * d], [0, 4 * 6]] for d in range(cell.interval)]
        np.testing.assert_array_equal(score.confusion, expected)
        np.testing.assert_array_equal(loaded[cell].confusion, expected)
        assert loaded[cell].measures() == score.measures()


@pytest.mark.parametrize("keep", [0, 10, 300, -1])
def test_a_damaged_file_of_the_store_is_set_aside_and_said(keep, tmp_path):
    scorer = DistanceScorer([Cell("m", 1)], 2)
    for index, groups in enumerate(walk(Decaying(), "a", (1,))):
        scorer.update(frame("a", index).labels, groups)
    said = []
    store = ClipStore(tmp_path, said.append)
    store.save(0, "a", scorer.end(()))
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    file.write_bytes(content[:keep])
    assert store.load(0, "a") == {}
    assert (tmp_path / "00000-a.damaged").read_bytes() == content[:keep]
    assert "00000-a.npz is damaged" in said[0]
    assert "scored again" in said[0]
    assert store.load(0, "a") == {}
    assert len(said) == 1


def test_a_file_of_the_store_that_would_fill_the_memory_is_set_aside(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.evaluate.clip_store.MOST_BYTES", 1000)
    said = []
    store = ClipStore(tmp_path, said.append)
    np.savez_compressed(tmp_path / "00000-a.npz", confusion=np.zeros(100_000))
    assert store.load(0, "a") == {}
    assert "would unpack to 800" in said[0]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"confusion": np.full((2, 2), -1)}, "holds a count that no clip has"),
        ({"confusion": np.full((2, 2), 2**62)}, "holds a count that no clip has"),
        ({"confusion": np.zeros((2, 3), int)}, "a confusion matrix is int64 (2, 3)"),
        ({"confusion": np.zeros((2, 2))}, "a confusion matrix is float64 (2, 2)"),
        ({"consistency": np.full((2, 2, 2), [3.0, 2.0])}, "is not within 0 and its number of windows"),
        ({"consistency": np.full((2, 2, 2), np.nan)}, "is not within 0 and its number of windows"),
        ({"consistency": np.zeros((2, 2))}, "sums of video consistency are float64 (2, 2)"),
        ({"labelled_frames": -1}, "-1 labelled frames"),
    ],
)
def test_a_whole_file_of_what_is_no_score_is_set_aside(tmp_path, changed, words):
    good = {"confusion": np.ones((2, 2), int), "consistency": np.ones((2, 2, 2)), "labelled_frames": 1}
    said = []
    store = ClipStore(tmp_path, said.append)
    store.save(0, "a", {Cell("m", 1): Score(**good)})
    assert list(store.load(0, "a")) == [Cell("m", 1)]
    store.save(0, "a", {Cell("m", 1): Score(**{**good, **changed})})
    assert store.load(0, "a") == {}
    assert words in said[0]


def test_an_array_that_is_announced_and_not_there_is_set_aside(tmp_path):
    """64 GiB, by the array's own head, in a file of a few bytes."""
    said = []
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<i8", "fortran_order": False, "shape": (2**33,)})
    with zipfile.ZipFile(tmp_path / "00000-a.npz", "w") as archive:
        for name in ("cells", "confusion", "consistency", "frames"):
            archive.writestr(f"{name}.npy", head.getvalue())
    assert ClipStore(tmp_path, said.append).load(0, "a") == {}
    assert "00000-a.npz is damaged" in said[0]


def test_all_ignored_is_no_accuracy_and_no_zero():
    scorer = DistanceScorer([Cell("m", 4)], 2)
    (groups,) = [groups for groups in walk(Decaying(), "a", (4,)) if groups]
    scorer.update(np.full((ROWS, COLUMNS), 255, np.uint8), groups)
    measures = scorer.end(())[Cell("m", 4)].measures()
    assert measures is not None
    assert (measures["miou"], measures["miou_by_distance"], measures["class_iou"]) == (None, [None] * 4, [None] * 2)


def test_the_report_shows_each_distance_at_the_largest_interval(tmp_path):
    sweep(tmp_path / "run", ("per-frame", "decaying"), dataset(), build=build, intervals=(1, 2, 4))
    files = report([tmp_path / "run"], tmp_path / "out")
    assert (tmp_path / "out/miou_by_distance.csv") in files
    page = (tmp_path / "out/report.md").read_text()
    lines = page.split("mIoU (%) by the number of frames since the key frame:\n\n")[1].splitlines()[:4]
    rows = [[text.strip() for text in line.strip("|").split("|")] for line in lines]
    assert rows[0] == ["Method", "Interval", "0", "1", "2", "3", "Weights"]
    assert rows[2] == ["per-frame", "1", "100.00", "-", "-", "-", "untrained"]
    assert rows[3] == ["decaying", "4", *(f"{100 * miou:.2f}" for miou in MIOU), "untrained"]
    assert page.count("by the number of frames since the key frame") == 2  # once a backbone
    assert "mVC needs successive" in page
    table = pd.read_csv(tmp_path / "out/miou_by_distance.csv")
    assert len(table) == 2 * (1 + 1 + 2 + 4)
    last = table[(table["backbone"] == "small") & (table["method"] == "decaying") & (table["interval"] == 4)]
    assert last["distance"].tolist() == [0, 1, 2, 3]
    assert last["miou"].tolist() == pytest.approx(MIOU)
    assert "miou_by_distance" not in pd.read_csv(tmp_path / "out/cells.csv")


def test_a_report_of_both_kinds_of_run(tmp_path):
    sweep(tmp_path / "sparse", ("decaying",), dataset(), build=build, intervals=(2,))
    sweep(tmp_path / "dense", ("wander",), intervals=(2,))
    report([tmp_path / "sparse", tmp_path / "dense"], tmp_path / "out")
    page = (tmp_path / "out/report.md").read_text()
    dense = page.split("## dense")[1].split("## How to read it")[0]
    assert "since the key frame" in page
    assert "since the key frame" not in dense
    assert len(pd.read_csv(tmp_path / "out/miou_by_distance.csv")) == 2 * 2


def test_intervals_that_reach_over_the_clips_start_are_refused():
    Grid(("decaying",), ("small",), (6,)).check_data(dataset())
    words = (
        "interval 7 puts a key frame 6 frames before a labelled one, and clip b has 5 frames before frame 5, "
        "which is labelled; give intervals up to 6"
    )
    with pytest.raises(ValueError, match=words):
        Grid(("decaying",), ("small",), (2, 7)).check_data(dataset())
    Grid(("per-frame",), ("small",), (7,)).check_data(dataset())  # whose interval is 1


def test_limits_keep_the_labelled_frames_that_are_left():
    assert limit(dataset(), 1, 8).clips[0].labelled_frames == (7,)
    limited = replace(dataset(), clips=(clip("b"),))
    assert limit(limited, None, 7).clips[0].labelled_frames == (5,)
    with pytest.raises(ValueError, match="frames is 7; the first labelled frame of clip a is 7, counted from 0"):
        limit(dataset(), None, 7)


@pytest.fixture
def cityscapes(tmp_path) -> Path:
    root = tmp_path / "cityscapes"
    frames, labels = root / "leftImg8bit_sequence/val/ulm", root / "gtFine/val/ulm"
    for folder in (frames, labels):
        folder.mkdir(parents=True)
    numbers = np.random.default_rng(0)
    Image.fromarray(numbers.integers(0, 256, (64, 64, 3), np.uint8)).save(frames / "ulm_000000_000000_leftImg8bit.png")
    for number in range(1, 30):
        shutil.copy(frames / "ulm_000000_000000_leftImg8bit.png", frames / f"ulm_000000_{number:06d}_leftImg8bit.png")
    Image.fromarray(numbers.integers(0, 19, (64, 64), np.uint8)).save(
        labels / "ulm_000000_000019_gtFine_labelTrainIds.png"
    )
    return root


def test_cityscapes_from_the_command_line(cityscapes, tmp_path, capsys):
    sweep = ["sweep", "--methods", "per-frame,copy,mpvss", "--repeats", "1", "--threads", "1"]
    sweep += ["--data", f"cityscapes:{cityscapes}", "--out", str(tmp_path / "run")]
    assert main([*sweep, "--intervals", "1,21"]) == 2
    assert "clip ulm_000000_000019 has 19 frames before frame 19" in capsys.readouterr().err
    assert main([*sweep, "--intervals", "1,3", "--frames", "19"]) == 2
    assert "frames is 19; the first labelled frame of clip ulm_000000_000019 is 19" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert main([*sweep, "--intervals", "1,3"]) == 0
    table = read_run(tmp_path / "run").set_index(["method", "interval"])
    # All frames are the same picture, so copying loses nothing at any distance.
    level = table.loc[("per-frame", 1), "miou"]
    assert table.loc[("copy", 3), "miou_by_distance"] == [level] * 3
    assert len(table.loc[("mpvss", 3), "miou_by_distance"]) == 3
    assert table.loc[("mpvss", 3), "miou_by_distance"][0] == level
    assert main(["report", str(tmp_path / "run")]) == 0
