"""Every method by name, the networks they share, their seeds and their checkpoints."""

import hashlib
import importlib.metadata
import subprocess
import sys
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from bench.evaluate.memo import Memo
from bench.methods import build
from bench.methods.names import (
    BACKBONES,
    DIS_FLOW,
    ENTRY_POINTS,
    LIBRARY_METHODS,
    METHODS,
    RAFT_FLOW,
    UNTRAINED,
    VIDEO_METHODS,
    accel_branch,
    known_methods,
)
from bench.methods.parts import Parts
from bench.methods.registry import BuiltMethod, build_method
from mpvss.checkpoints import save_checkpoint
from mpvss.segmentor.mask2former import with_fixed_work
from mpvss.segmentor.semantic import Tiles, WholeVolume
from mpvss.video import Prediction, VideoSegmenter

CLASSES = 7


def make_built(method: str, backbone: str = "nano", **options) -> BuiltMethod:
    return build_method(method, backbone=backbone, num_classes=CLASSES, **options)


def make(method: str, backbone: str = "nano", **options):
    return make_built(method, backbone, **options).segmenter


def assert_same_weights(a: nn.Module, b: nn.Module, same: bool = True) -> None:
    ours, theirs = a.state_dict(), b.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(x, theirs[name]) for name, x in ours.items()) == same


def test_the_methods():
    assert set(METHODS) == {
        "per-frame", "copy", "optical-flow", "mpvss", "mpvss-query-random", "mpvss-query-learned",
        "mpvss-query-for-pf", "dff", "accel",
    }  # fmt: skip
    assert {"r50", "r101", "swin-t", "swin-s", "swin-b", "swin-l"} < set(BACKBONES)


@pytest.mark.parametrize("backbone", ["nano", "micro"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_segments_a_clip(method, backbone, frames):
    built = make_built(method, backbone)
    model = built.segmenter
    assert isinstance(model, VideoSegmenter)
    assert (model.num_classes, built.weights, built.module.training) == (CLASSES, UNTRAINED, False)
    key_frame, second, third = frames(64, 96, 3)
    with torch.inference_mode():
        predictions = []
        prediction, state = model.segment(key_frame)
        predictions.append(prediction)
        for frame in (second, third):
            prediction, state = model.propagate(frame, state)
            predictions.append(prediction)
        for prediction in predictions:
            assert isinstance(prediction, Prediction)
            labels, scores = prediction.labels(), prediction.scores()
            assert (labels.shape, labels.dtype) == ((64, 96), torch.uint8)
            assert labels.max() < CLASSES
            assert scores.shape == (CLASSES, 64, 96)
            assert scores.isfinite().all()
            best = scores.amax(0)
            torch.testing.assert_close(scores.gather(0, labels[None].long())[0], best)


@pytest.mark.parametrize("method", METHODS)
def test_two_videos_in_turns(method, filled, frames):
    """What is known of a video is in its state alone."""
    model = filled(make(method), 3)
    clips = [frames(64, 96, 3, seed) for seed in (1, 2)]
    with torch.inference_mode():
        alone = []
        for key_frame, *others in clips:
            _, state = model.segment(key_frame)
            scores = []
            for frame in others:
                prediction, state = model.propagate(frame, state)
                scores.append(prediction.scores())
            alone.append(scores)
        states = [model.segment(clip[0])[1] for clip in clips]
        for index in (1, 2):
            for video, clip in enumerate(clips):
                prediction, states[video] = model.propagate(clip[index], states[video])
                assert torch.equal(prediction.scores(), alone[video][index - 1])
    assert not torch.equal(alone[0][0], alone[1][0])


def test_small_family_is_small():
    for backbone in ("nano", "micro"):
        assert sum(p.numel() for p in make("mpvss", backbone).parameters()) < 5e6


class TestRefused:
    def test_unknown_method(self):
        with pytest.raises(ValueError, match=r"unknown method 'per_frame'; known are per-frame, copy, .*accel"):
            make("per_frame")

    @pytest.mark.parametrize("method", METHODS)
    def test_unknown_backbone(self, method):
        with pytest.raises(ValueError, match=r"unknown backbone 'r18'; known are r50, .*swin-l, nano, micro"):
            make(method, "r18")

    def test_unknown_key_backbone(self):
        with pytest.raises(ValueError, match="unknown backbone 'r18'"):
            make("accel", key_backbone="r18")

    def test_key_backbone_of_another_method(self):
        with pytest.raises(ValueError, match="key_backbone is for accel and sam2-video"):
            make("mpvss", key_backbone="micro")

    @pytest.mark.parametrize("num_classes", [-1, 0, 256])
    def test_classes_that_label_maps_cannot_hold(self, num_classes):
        with pytest.raises(ValueError, match=f"num_classes is {num_classes}; label maps hold 1 to 255"):
            build("per-frame", backbone="nano", num_classes=num_classes)

    def test_parts_of_other_classes(self):
        with pytest.raises(ValueError, match="num_classes is 7, but the shared parts have 5"):
            make("per-frame", parts=Parts(5))


@pytest.mark.parametrize("num_classes", [1, 255])
def test_fewest_and_most_classes(num_classes, frames):
    model = build("mpvss", backbone="nano", num_classes=num_classes)
    with torch.inference_mode():
        labels = model.segment(frames(32, 32)[0])[0].labels()
    assert labels.max() < num_classes


class TestParts:
    def test_methods_share_networks(self):
        parts = Parts(CLASSES)
        models = {method: make(method, parts=parts) for method in METHODS}
        segmentor, flow = parts.segmentor("nano"), parts.flow("nano")
        assert all(model.segmentor is segmentor for model in models.values())
        assert models["accel"].key_segmentor is segmentor
        assert all(models[method].flow is flow for method in ("optical-flow", "dff", "accel"))
        motions = {id(model.motion) for name, model in models.items() if name.startswith("mpvss")}
        assert len(motions) == 4

    def test_backbones_of_one_family_share_the_flow_network(self):
        parts = Parts(CLASSES)
        accel = make("accel", key_backbone="micro", parts=parts)
        assert accel.key_segmentor is parts.segmentor("micro")
        assert accel.segmentor is parts.segmentor("nano")
        assert accel.flow is parts.flow("micro") is parts.flow("nano")

    @pytest.mark.parametrize("execution", ["lean", "paper"])
    def test_what_keeps_results_is_given_to_the_shared_networks(self, execution, frames):
        parts = Parts(CLASSES, execution=execution, shared=(memo := Memo()))
        segmentor, flow = parts.segmentor("nano"), parts.flow("nano")
        frame, key_frame = frames(64, 64)
        with torch.inference_mode(), memo.one_frame():
            maps = segmentor.features(frame)
            segments = segmentor.decode(maps)
            assert segmentor.features(frame) is maps
            assert segmentor(frame) is segments
            assert segmentor.predict(frame) is segmentor.prediction(segments, (64, 64))
            assert flow.flow(frame, key_frame) is flow.flow(frame, key_frame)
        with torch.inference_mode():
            assert segmentor.features(frame) is not segmentor.features(frame)

    def test_without_parts_nothing_is_shared(self):
        assert make("copy").segmentor is not make("copy").segmentor


class TestSeed:
    @pytest.mark.parametrize("method", METHODS)
    def test_same_seed_same_weights_whatever_was_built_before(self, method):
        alone = make(method)
        parts = Parts(CLASSES)
        for other in reversed(METHODS):
            make(other, parts=parts)
        torch.rand(3)
        assert_same_weights(alone, make(method, parts=parts))

    def test_other_seed_other_weights(self):
        for part in ("segmentor", "motion"):
            ours, theirs = (getattr(make("mpvss", seed=seed), part) for seed in (0, 1))
            assert_same_weights(ours, theirs, same=False)
        assert_same_weights(make("dff", seed=0).flow, make("dff", seed=1).flow, same=False)

    def test_both_executions_hold_the_same_weights(self):
        assert_same_weights(make("mpvss"), make("mpvss", execution="paper"))

    def test_the_callers_random_numbers_stay(self):
        torch.manual_seed(5)
        expected = torch.rand(4)
        torch.manual_seed(5)
        make("mpvss")
        assert torch.equal(torch.rand(4), expected)


class TestWeights:
    def save(self, built, path) -> str:
        save_checkpoint(built.module, path, built.configuration)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    @pytest.mark.parametrize("method", METHODS)
    def test_loaded_and_stated(self, method, tmp_path):
        saved, path = make_built(method, seed=1), tmp_path / "trained.safetensors"
        digest = self.save(saved, path)
        loaded = make_built(method, weights=path)
        assert_same_weights(loaded.module, saved.module)
        assert loaded.weights == f"trained.safetensors (sha256 {digest[:12]})"

    def test_what_the_file_lacks_is_stated(self, tmp_path):
        path = tmp_path / "trained.safetensors"
        self.save(make_built("per-frame", seed=1), path)
        loaded = make_built("mpvss", weights=str(path))
        assert loaded.weights.startswith("trained.safetensors (sha256 ")
        assert loaded.weights.endswith(", motion untrained)")
        assert_same_weights(loaded.segmenter.segmentor, make("per-frame", seed=1).segmentor)

    def test_another_configuration(self, tmp_path):
        path = tmp_path / "trained.safetensors"
        self.save(make_built("per-frame"), path)
        with pytest.raises(ValueError, match=r"trained\.safetensors is for backbone nano; this method has micro"):
            make("per-frame", "micro", weights=path)
        with pytest.raises(ValueError, match=r"is for num_classes 7; this method has 8"):
            build("per-frame", backbone="nano", num_classes=8, weights=path)
        self.save(make_built("accel", key_backbone="micro"), path)
        with pytest.raises(ValueError, match=r"is for key_backbone micro; this method has nano"):
            make("accel", weights=path)

    def test_another_backbone_without_configuration(self, tmp_path):
        path = tmp_path / "trained.pth"
        torch.save(make("per-frame", "micro").state_dict(), path)
        with pytest.raises(ValueError, match=r"trained\.pth"):
            make("per-frame", weights=path)

    def test_missing_file(self, tmp_path):
        with pytest.raises(ValueError, match=r"none\.pth does not exist"):
            make("per-frame", weights=tmp_path / "none.pth")


@dataclass
class OwnMethod:
    """A method that a package might add."""

    backbone: str
    num_classes: int

    def segment(self, frame):
        raise NotImplementedError

    def propagate(self, frame, state):
        raise NotImplementedError


@pytest.fixture
def own_method(monkeypatch):
    """An installed package with a method called `own`."""
    entry = importlib.metadata.EntryPoint("own", f"{__name__}:OwnMethod", ENTRY_POINTS)
    installed = importlib.metadata.EntryPoints((entry,))
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **wanted: installed.select(**wanted))


@pytest.mark.usefixtures("own_method")
class TestEntryPoints:
    def test_built_by_name(self):
        built = make_built("own")
        model = built.segmenter
        assert (type(model).__name__, model.backbone, model.num_classes) == ("OwnMethod", "nano", CLASSES)
        assert built.weights == "the method's own"

    def test_named_among_the_known(self):
        assert known_methods() == (*METHODS, RAFT_FLOW, DIS_FLOW, *VIDEO_METHODS, *LIBRARY_METHODS, "own")
        with pytest.raises(ValueError, match=r"unknown method 'mine'; known are per-frame, .*, own"):
            make("mine")

    def test_the_projects_own_methods_stay(self):
        assert isinstance(make("per-frame"), nn.Module)


def test_accel_branches():
    """The paper's pairs: ResNets beside R50, Swins beside Swin-T."""
    pairs = {name: accel_branch(name) for name in BACKBONES}
    assert pairs == {
        "r50": "r50", "r101": "r50", "swin-t": "swin-t", "swin-s": "swin-t", "swin-b": "swin-t", "swin-l": "swin-t",
        "nano": "nano", "micro": "nano", "mini": "nano", "swin-micro": "nano", "lite0": "nano",
    }  # fmt: skip
    with pytest.raises(ValueError, match="unknown backbone 'r18'"):
        accel_branch("r18")


def test_a_copy_with_fixed_work_holds_the_same_weights_and_gives_the_same_labels(filled, frames):
    for execution, inference in (("lean", Tiles()), ("paper", WholeVolume())):
        model = filled(make("accel", key_backbone="micro", execution=execution), 4)
        before = model.segmentor.inference
        fixed = with_fixed_work(model)
        assert {fixed.segmentor.inference, fixed.key_segmentor.inference} == {inference}
        assert model.segmentor.inference is before
        ours, theirs = model.state_dict(keep_vars=True), fixed.state_dict(keep_vars=True)
        assert all(theirs[name] is tensor for name, tensor in ours.items())
        key_frame, frame = frames(64, 96)
        with torch.inference_mode():
            labels = [each.propagate(frame, each.segment(key_frame)[1])[0].labels() for each in (model, fixed)]
        assert torch.equal(*labels)
        assert labels[0].unique().numel() > 1


def test_names_need_no_torch():
    program = "import sys, bench.methods.names, bench.methods.weights; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
