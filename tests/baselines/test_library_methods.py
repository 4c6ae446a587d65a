"""Networks of the transformers library, swept, counted and built by name."""

import json

import pytest
import torch
from library_models import CLASSES, save, save_video

from baselines.library.memory_video import MemoryVideo
from baselines.library.videomt import VideoMT
from bench.cli.main import main
from bench.measure.count import cost
from bench.methods import build
from bench.methods.names import LIBRARY_METHODS, branches, known_methods
from bench.methods.shipped import FOLDER, MODEL, shipped_file
from bench.sweep import sweep
from mpvss.errors import UserError

DATA = "generated:clips=1,frames=3,size=64x96"

pytestmark = pytest.mark.usefixtures("without_shape_checks")


@pytest.fixture(scope="module")
def folders(tmp_path_factory, filled):
    """A folder for each kind of network."""
    root = tmp_path_factory.mktemp("models")
    for kind in ("mask2former", "eomt", "dpt"):
        save(kind, root / kind, filled)
    for kind in ("videomt", "sam2_video"):
        (root / kind).mkdir()
        save_video(kind, root / kind, filled)
    return root


def run(out, methods, backbone, **options):
    result = sweep(out, methods=methods, backbones=[backbone], intervals=[2], data=DATA, repeats=1, **options)
    assert not result.failed
    return [json.loads(file.read_text()) for file in (out / "cells").iterdir()]


@pytest.mark.parametrize(("kind", "method"), [("mask2former", "copy"), ("eomt", "per-frame"), ("dpt", "optical-flow")])
def test_swept_as_an_image_network(tmp_path, folders, kind, method):
    (cell,) = run(tmp_path / "run", [method], f"hf:{folders / kind}")
    key, non_key = cell["cost"]["key_macs"], cell["cost"]["non_key_macs"]
    assert key > 0
    assert {"copy": non_key == 0, "per-frame": non_key == key, "optical-flow": non_key > 0}[method]
    assert cell["weights"].startswith("the model's own (sha256")


def test_videomt(tmp_path, folders):
    backbone = f"hf:{folders / 'videomt'}"
    assert isinstance(build("videomt", backbone=backbone, num_classes=CLASSES), VideoMT)
    (cell,) = run(tmp_path / "run", ["videomt"], backbone)
    assert cell["interval"] == 1
    assert cell["weights"].startswith("the model's own (sha256")
    # A later frame adds the linear map of the queries: 9 of them, 16 wide.
    assert cell["cost"]["non_key_macs"] - cell["cost"]["key_macs"] == 9 * 16 * 16


def test_memory_video(tmp_path, folders):
    tracker = f"hf:{folders / 'sam2_video'}"
    built = build("sam2-video", backbone=tracker, key_backbone="nano", num_classes=CLASSES)
    assert isinstance(built, MemoryVideo)
    (cell,) = run(tmp_path / "run", ["sam2-video"], f"nano+{tracker}")
    assert cell["weights"].startswith("untrained, tracker the model's own (sha256")
    assert cell["cost"]["non_key_macs"] > 0


def test_memory_video_on_a_network_of_the_library(folders, frames):
    tracker, key = f"hf:{folders / 'sam2_video'}", f"hf:{folders / 'mask2former'}"
    assert branches("sam2-video", f"{key}+{tracker}") == (tracker, key)
    method = build("sam2-video", backbone=tracker, key_backbone=key, num_classes=CLASSES)
    first, second = frames(64, 96)
    with torch.inference_mode():
        prediction, state = method.segment(first)
        followed, _ = method.propagate(second, state)
    seen = set(prediction.labels().unique().tolist())
    assert set(followed.labels().unique().tolist()) <= seen


def test_shipped_weights_of_memory_video_are_those_of_its_key_frames():
    assert shipped_file("sam2-video", "micro+hf:folder") == FOLDER / "micro" / "per-frame" / MODEL
    assert shipped_file("videomt", "hf:folder") is None


def test_cost_of_them(folders):
    rows = cost(["videomt"], backbones=[f"hf:{folders / 'videomt'}"], size=(64, 96), num_classes=CLASSES)
    assert rows[0].lean_non_key_macs > rows[0].lean_key_macs > 0


def test_they_are_known():
    assert set(LIBRARY_METHODS) <= set(known_methods())


class TestRefused:
    @pytest.mark.parametrize(
        ("methods", "backbone", "message"),
        [
            ("mpvss", "{0}/eomt", "optical-flow-dis; mpvss needs another backbone"),
            ("per-frame", "{0}/videomt", r"network of videos (videomt), which the method videomt runs"),
            ("videomt", "{0}/eomt", "network of kind 'eomt'; the method videomt runs kind 'videomt'"),
            ("sam2-video", "{0}/sam2_video", "sam2-video has two networks; write KEY+hf:TRACKER"),
            ("sam2-video", "nano+{0}/eomt", "'eomt'; the method sam2-video runs sam2_video and edgetam_video"),
            ("copy", "nano+{0}/sam2_video", "is swept as sam2-video; copy needs another backbone"),
            ("sam2-video", "tiny+{0}/sam2_video", "unknown backbone 'tiny'"),
        ],
    )
    def test_another_kind_of_network(self, tmp_path, folders, capsys, methods, backbone, message):
        backbone = backbone.format(f"hf:{folders}")
        arguments = ["--methods", methods, "--backbones", backbone, "--data", DATA, "--intervals", "2"]
        assert main(["sweep", *arguments, "--out", str(tmp_path / "run")]) != 0
        said = capsys.readouterr()
        assert message in said.err + said.out

    @pytest.mark.parametrize(("method", "kind"), [("copy", "eomt"), ("videomt", "videomt")])
    def test_other_classes(self, folders, method, kind):
        with pytest.raises(UserError, match=f"{kind} has {CLASSES} classes; 19 are asked for, as the data has"):
            build(method, backbone=f"hf:{folders / kind}", num_classes=19)

    def test_videomt_on_a_backbone_of_the_project(self):
        with pytest.raises(UserError, match="videomt runs a network of the transformers library; write hf:PATH"):
            build("videomt", backbone="nano", num_classes=CLASSES)

    def test_weights_for_a_network_that_has_its_own(self, folders, tmp_path):
        with pytest.raises(UserError, match="has its own weights"):
            build("videomt", backbone=f"hf:{folders / 'videomt'}", num_classes=CLASSES, weights=tmp_path / "any")

    def test_one_network_for_both(self, folders):
        with pytest.raises(UserError, match="follows the segments of another network"):
            build("sam2-video", backbone=f"hf:{folders / 'sam2_video'}", num_classes=CLASSES)
