"""What the player is made from and what it holds, without a browser."""

from __future__ import annotations

import base64
import json
import re
import shutil
import sys
import zlib
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from made_player import DATA, played, timed_beside

from bench import metrics
from bench.cli.main import main
from bench.data import open_dataset
from bench.report import report
from bench.report.export.write import export
from bench.report.player.choose import choose_clips
from bench.report.player.clip import KeptRun
from bench.report.player.pack import pack_labels
from bench.report.study import read_study
from bench.runs.kept_labels import KeptClipWriter, LabelStore, encode
from bench.runs.read import read_run
from bench.runs.records.cell import CellKey
from mpvss.errors import UserError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return played(tmp_path_factory.mktemp("played") / "run")


@pytest.fixture(scope="module")
def out(run):
    report([run, timed_beside(run)], run / "report", ["html"])
    return run / "report"


def content(out, name: str):
    """What a data file hands over."""
    text = (out / name).read_text()
    told, given = re.fullmatch(r"playerData\((\".*?\"),(.*)\);\n", text, re.DOTALL).groups()
    assert json.loads(told) == name
    return json.loads(given)


def unpacked(text: str, length: int, height: int, width: int) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(length, height, width)


def page_data(out) -> dict:
    text = re.search(r'id="player-data">(.*?)</script>', (out / "player.html").read_text(), re.DOTALL)[1]
    return json.loads(text)


def test_packed_maps_come_back():
    maps = np.random.default_rng(0).integers(0, 256, (5, 7, 9), np.uint8)
    np.testing.assert_array_equal(unpacked(pack_labels(maps), 5, 7, 9), maps)


def test_it_holds_the_label_maps_and_the_truth_of_the_files(run, out):
    (shown,) = page_data(out)["runs"]
    data, store = open_dataset(DATA), LabelStore(run)
    (study,) = read_study([run]).runs
    cells = list(KeptRun.of(study).counts)
    assert len(cells) == 3
    assert len(shown["clips"]) == 3
    for clip in shown["clips"]:
        index = next(i for i, other in enumerate(data.clips) if other.name == clip["title"].split()[0])
        truth = np.stack([frame.labels for frame in data.clips[index].frames()])
        np.testing.assert_array_equal(unpacked(content(out, clip["truth"]), 7, 64, 96), truth)
        assert [(cell["method"], cell["interval"]) for cell in clip["cells"]] == [(c.method, c.interval) for c in cells]
        for key, cell in zip(cells, clip["cells"], strict=True):
            kept = np.stack([found.labels for found in store.read(key, index, data.clips[index].name).maps()])
            np.testing.assert_array_equal(unpacked(content(out, cell["file"]), 7, 64, 96), kept)
            matrices = [metrics.confusion_matrix(t, p, 12) for t, p in zip(truth, kept, strict=True)]
            assert cell["iou"] == pytest.approx([100 * metrics.mean_iou(matrix) for matrix in matrices], abs=0.005)
            assert cell["keys"] == ([] if key.method == "per-frame" else list(range(0, 7, key.interval)))
        # Key frames have no flow to themselves; the others have.
        flow = content(out, clip["flows"]["3"])
        assert [picture is None for picture in flow] == [index % 3 == 0 for index in range(7)]
        assert len(content(out, clip["frames"])) == 7


def test_latency_is_the_median_of_the_frames_kind(run, out):
    table = read_run(run).set_index(["method", "interval"])
    cells = page_data(out)["runs"][0]["clips"][0]["cells"]
    assert cells[0]["ms"] == pytest.approx([table.loc[("per-frame", 1), "p50_key_ms"]] * 7, abs=0.001)
    fields = ["p50_non_key_ms" if index % 3 else "p50_key_ms" for index in range(7)]
    assert cells[2]["ms"] == pytest.approx([table.loc[("wander", 3), field] for field in fields], abs=0.001)


def test_the_worst_the_median_and_the_best_clip_are_chosen(run):
    (study,) = read_study([run]).runs
    counts = KeptRun.of(study).counts
    mious = {}
    for key, of_clips in counts.items():
        pixels = of_clips.counts[:, 0]
        hit, truth, predicted = np.moveaxis(pixels, -1, 0).astype(float)
        with np.errstate(invalid="ignore"):
            iou = hit / (truth + predicted - hit)
        mious[key.method, key.interval] = np.array([np.mean(i[t > 0]) for i, t in zip(iou, truth, strict=True)])
    gap = (mious["wander", 1] + mious["wander", 3]) / 2 - mious["per-frame", 1]
    order = [next(iter(counts.values())).names[i] for i in np.argsort(gap)]
    found = choose_clips(counts, 3)
    assert [chosen.name for chosen in found] == order
    assert [chosen.gap for chosen in found] == pytest.approx(sorted(gap))
    assert [re.search(r"\((\w+): ", chosen.title)[1] for chosen in found] == ["worst", "median", "best"]
    assert [chosen.name for chosen in choose_clips(counts, 2)] == [order[0], order[2]]
    assert [chosen.name for chosen in choose_clips(counts, 9)] == order
    assert choose_clips(counts, 0) == []


def test_paths_are_relative_and_nothing_comes_from_elsewhere(out):
    for file in out.rglob("*"):
        if file.suffix in (".html", ".js"):
            text = file.read_text()
            assert str(out) not in text
            assert re.findall(r"""(?:src|href)=["'](?!data:|#|player\.html|index\.html)[^"']*""", text) == [], file
    assert '<a href="player.html">' in (out / "index.html").read_text()
    files = [file for clip in page_data(out)["runs"][0]["clips"] for file in (clip["frames"], clip["truth"])]
    assert all((out / file).is_file() for file in files)


def test_a_report_without_kept_maps_has_no_player(run, tmp_path):
    plain = shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("labels", "report"))
    report([plain], tmp_path / "out", ["html"])
    assert not (tmp_path / "out" / "player.html").exists()
    assert "player.html" not in (tmp_path / "out" / "index.html").read_text()


def test_other_data_and_numbers_of_clips_are_refused(run, tmp_path, capsys):
    for options, words in (
        (["--data", "synthetic:clips=2,frames=7,size=64x96"], "and the run is of synthetic:split=test,clips=3"),
        (["--play", "-1"], "play is -1; it must be 0 or more clips"),
    ):
        assert main(["report", str(run), "--out", str(tmp_path / "out"), *options]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_maps_of_another_run_are_refused(run, tmp_path):
    other = shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("report"))
    key, clip = CellKey("small", "wander", 3), "test-000-street"
    writer = KeptClipWriter(key, clip)
    for kept in LabelStore(run).read(CellKey("small", "wander", 1), 0, clip).maps():
        writer.add(kept.frame, None, kept.labels.shape, encode(kept.labels, open_dataset(DATA).palette))
    writer.save(LabelStore(other), 0)
    with pytest.raises(UserError, match=r"other pixels than cells/small--wander--003.json says were scored"):
        report([other], tmp_path / "out", ["html"])


class Recorded:
    """A stand-in for Rerun: what is logged of a clip, by entity and frame."""

    def __init__(self, application, recording_id):
        self.frame, self.logged = None, {}
        self.streams.append(self)

    streams: ClassVar[list[Recorded]] = []

    def binary_stream(self):
        return SimpleNamespace(read=lambda: b"recording")

    def set_time(self, timeline, sequence):
        assert timeline == "frame"
        self.frame = sequence

    def log(self, entity, value, static=False):
        name = entity if isinstance(entity, str) else "/".join(entity)
        self.logged[name, None if static else self.frame] = value


def test_a_recording_has_the_label_maps_that_were_kept(run, tmp_path, monkeypatch):
    module = ModuleType("rerun")
    module.RecordingStream = Recorded
    module.Image = lambda image: SimpleNamespace(compress=lambda: image)
    module.SegmentationImage = module.Scalars = module.AnnotationContext = lambda value: value
    monkeypatch.setitem(sys.modules, "rerun", module)
    monkeypatch.setattr(Recorded, "streams", [])
    files = export([run], tmp_path, exports=["rrd"], play=1)
    assert [file.read_bytes() for file in files] == [b"recording"]
    (stream,) = Recorded.streams
    dataset = open_dataset(DATA)
    name = files[0].stem.removeprefix("run--")
    index = next(number for number, clip in enumerate(dataset.clips) if clip.name == name)
    key = CellKey("small", "wander", 3)
    kept = [found.labels for found in LabelStore(run).read(key, index, name).maps()]
    cell = "wander, small, interval 3"
    for number, frame in enumerate(dataset.clips[index].frames()):
        assert np.array_equal(stream.logged["labels/" + cell, number], kept[number])
        assert np.array_equal(stream.logged["frame", number], frame.image.transpose(1, 2, 0))
        assert np.array_equal(stream.logged["ground truth", number], frame.labels)
        iou = metrics.mean_iou(metrics.confusion_matrix(frame.labels, kept[number], dataset.num_classes))
        assert stream.logged["mIoU/" + cell, number] == pytest.approx(100 * iou)
    assert len(stream.logged["/", None]) == dataset.num_classes + 1


def test_without_rerun_the_extra_is_named(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(UserError, match=r"install mpvss-bench\[rerun\]"):
        export([run], tmp_path, exports=["rrd"])
