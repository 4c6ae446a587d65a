"""Image networks of other publications in the place of a backbone."""

import pytest
import torch

from baselines.cnn.uper import UperHead
from bench.evaluate.memo import Memo
from bench.methods import build
from bench.methods.image_networks import FORMATS, build_image_network
from bench.methods.names import BACKBONES, IMAGE_METHODS, IMAGE_NETWORKS, METHODS, backbone_names, branches
from bench.methods.parts import Parts, share_equal_networks
from bench.methods.registry import build_method
from bench.methods.setup import ALL, set_up
from mpvss.checkpoints import read_num_classes, save_checkpoint
from mpvss.errors import UserError
from mpvss.video import VideoSegmenter

CLASSES = 7
TRIED = ("segformer-b0", "fcn-r101")


@pytest.fixture(scope="module")
def parts():
    return Parts(CLASSES)


@pytest.mark.parametrize("method", IMAGE_METHODS)
@pytest.mark.parametrize("backbone", TRIED)
def test_methods_over_them(parts, frames, method, backbone):
    built = build_method(method, backbone=backbone, num_classes=CLASSES, parts=parts)
    model = built.segmenter
    assert isinstance(model, VideoSegmenter)
    assert (built.weights, built.module.training, model.num_classes) == ("untrained", False, CLASSES)
    assert built.module.segmentor is parts.image_segmentor(backbone)
    key, other = frames(64, 96)
    with torch.inference_mode():
        first, state = model.segment(key)
        second, _ = model.propagate(other, state)
        again, _ = model.segment(other)
        assert second.labels().shape == (64, 96)
        assert second.scores().shape == (CLASSES, 64, 96)
        assert torch.equal(second.scores(), first.scores()) == (method == "copy")
        assert torch.equal(second.scores(), again.scores()) == (method == "per-frame")


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
def test_every_name_is_built(name):
    with torch.device("meta"):
        assert build_image_network(name, CLASSES, "paper").num_classes == CLASSES


@pytest.mark.parametrize(
    ("name", "width"),
    [("b0", 256), ("b1", 256), ("b2", 768), ("b5", 768), ("b2-768", 768), ("b2-256", 256), ("b1-768", 768)],
)
def test_width_of_the_decoder(name, width):
    with torch.device("meta"):
        network = build_image_network(f"segformer-{name}", CLASSES, "lean")
    assert network.state_dict()["head.classify.weight"].shape == (CLASSES, width, 1, 1)


@pytest.mark.parametrize(("name", "stem"), [("upernet-r101", 64), ("upernet-r101-vspw", 128)])
def test_forms(name, stem):
    """The stem of the segmentation library ends in 64 channels, that of VSPW's authors in 128."""
    with torch.device("meta"):
        network = build_image_network(name, CLASSES, "lean")
    assert isinstance(network.get_submodule("decode_head"), UperHead)
    assert network.state_dict()["backbone.layer1.0.conv1.weight"].shape[1] == stem


@pytest.mark.parametrize("backbone", TRIED)
def test_predictions_are_shared(frames, backbone):
    (frame,) = frames(64, 96, 1)
    segmentor = Parts(CLASSES, shared=(memo := Memo())).image_segmentor(backbone)
    with torch.inference_mode():
        with memo.one_frame():
            assert segmentor.predict(frame) is segmentor.predict(frame)
        assert segmentor.predict(frame) is not segmentor.predict(frame)


def test_equal_networks_become_one():
    one, two, other = (build("copy", backbone=TRIED[0], num_classes=CLASSES, seed=seed) for seed in (0, 0, 1))
    share_equal_networks([one, two, other])
    assert one.segmentor is two.segmentor
    assert one.segmentor is not other.segmentor


@pytest.mark.parametrize("backbone", TRIED)
def test_checkpoints(tmp_path, backbone):
    saved, path = build("copy", backbone=backbone, num_classes=CLASSES, seed=1), tmp_path / "trained.safetensors"
    save_checkpoint(saved.segmentor, path, {})
    assert read_num_classes(path, *FORMATS) == CLASSES
    loaded = build_method("optical-flow", backbone=backbone, num_classes=CLASSES, weights=path)
    assert loaded.weights.endswith(", flow untrained)")
    ours, theirs = loaded.segmenter.segmentor.state_dict(), saved.segmentor.state_dict()
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())


class TestRefused:
    @pytest.mark.parametrize("method", sorted(set(METHODS) - set(IMAGE_METHODS)))
    def test_other_methods(self, method):
        message = f"segformer-b0 is swept as {', '.join(IMAGE_METHODS)}; {method} needs another backbone"
        with pytest.raises(UserError, match=message):
            build(method, backbone="segformer-b0", num_classes=CLASSES)
        with pytest.raises(UserError, match=message):
            backbone_names(["segformer-b0"], [method])

    def test_as_one_branch_of_accel(self):
        with pytest.raises(UserError, match=r"fcn-r101 is swept as .*; accel needs another backbone"):
            build("accel", backbone="fcn-r101", key_backbone="nano", num_classes=CLASSES)

    @pytest.mark.parametrize("row", ["segformer-b0", "hf:folder"])
    def test_as_a_row_of_accel(self, row):
        with pytest.raises(UserError, match=f"{row} is swept as .*, optical-flow-dis; accel needs another"):
            branches("accel", row)

    def test_unknown(self):
        with pytest.raises(UserError, match=r"unknown backbone 'fcn-r34'; known are r50, .*segformer-b0, .*fcn-r101"):
            backbone_names(["fcn-r34"], ["copy"])


def test_all_backbones_are_those_of_mask2former():
    made = set_up(methods=["copy"], backbones=[ALL], data="synthetic:clips=1,frames=2,size=64x96")
    assert made.backbones == BACKBONES
    assert not set(BACKBONES) & set(IMAGE_NETWORKS)
