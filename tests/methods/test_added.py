"""Methods and image networks that packages add: what they are given, and what is asked of them."""

import importlib.metadata
import sys
import types

import pytest
import torch
from torch import nn

from bench.methods.names import ENTRY_POINTS, IMAGE_METHODS, SEGMENTORS, backbone_names, has_masks
from bench.methods.registry import build_method
from mpvss.errors import UserError

CLASSES = 4


@pytest.fixture
def install(monkeypatch):
    """`install(group, name, build)`: an entry point that names a function."""
    added = []
    module = types.ModuleType("added_by_a_package")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    real = importlib.metadata.entry_points

    def entry_points(**wanted):
        ours = importlib.metadata.EntryPoints(added).select(**wanted)
        return importlib.metadata.EntryPoints([*real(**wanted), *ours])

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)

    def install(group, name, build):
        attribute = name.replace("-", "_")
        setattr(module, attribute, build)
        added.append(importlib.metadata.EntryPoint(name, f"{module.__name__}:{attribute}", group))

    return install


def channels(num_classes):
    """Scores that are the frame's channels, and zeros, at 1/4."""

    def scores(frame):
        means = nn.functional.avg_pool2d(frame.float(), 4)
        return torch.cat((means, means.new_zeros(num_classes - 3, *means.shape[1:])))

    return scores


class TestImageNetworks:
    @pytest.mark.parametrize("method", IMAGE_METHODS)
    def test_every_method_over_a_function(self, install, frames, method):
        install(SEGMENTORS, "channels", channels)
        assert not has_masks("channels")
        assert backbone_names(["channels"], [method]) == ("channels",)
        built = build_method(method, backbone="channels", num_classes=CLASSES)
        key, other = frames(64, 96)
        with torch.inference_mode():
            first, state = built.segmenter.segment(key)
            second, _ = built.segmenter.propagate(other, state)
        expected = nn.functional.interpolate(channels(CLASSES)(key)[None], (64, 96), mode="bilinear")[0]
        assert torch.equal(first.scores(), expected)
        assert torch.equal(first.labels(), expected.argmax(0).to(torch.uint8))
        assert second.scores().shape == (CLASSES, 64, 96)
        assert torch.equal(second.scores(), first.scores()) == (method == "copy")

    def test_modules_are_counted_and_evaluated(self, install):
        install(SEGMENTORS, "net", lambda num_classes: nn.Sequential(nn.Dropout(), nn.Conv2d(3, num_classes, 1)))
        built = build_method("copy", backbone="net", num_classes=CLASSES)
        assert not any(part.training for part in built.module.modules())
        assert sum(weight.numel() for weight in built.module.parameters()) == 3 * CLASSES + CLASSES
        assert built.weights.startswith("the model's own (sha256 ")

    def test_weights_reach_it(self, install, tmp_path):
        given = []

        def build(num_classes, weights="none"):
            given.append(weights)
            return channels(num_classes)

        install(SEGMENTORS, "net", build)
        (tmp_path / "w.pt").write_bytes(b"abc")
        weights = build_method("copy", backbone="net", num_classes=CLASSES, weights=tmp_path / "w.pt").weights
        # The SHA-256 of "abc", as the standard gives it.
        assert weights == "w.pt (sha256 ba7816bf8f01)"
        build_method("copy", backbone="net", num_classes=CLASSES)
        assert given == [str(tmp_path / "w.pt"), "none"]

    def test_it_takes_no_weights(self, install, tmp_path):
        install(SEGMENTORS, "net", channels)
        with pytest.raises(UserError, match=r"net takes no weights: added_by_a_package:net has no argument `weights`"):
            build_method("copy", backbone="net", num_classes=CLASSES, weights=tmp_path / "w.pt")

    @pytest.mark.parametrize(
        ("scores", "message"),
        [
            (torch.zeros(CLASSES + 1, 8, 8), r"gave torch.float32 of shape \(5, 8, 8\); it must give class scores \(4"),
            (torch.zeros(1, CLASSES, 8, 8), r"gave torch.float32 of shape \(1, 4, 8, 8\)"),
            (torch.zeros(CLASSES, 8, 8, dtype=torch.uint8), r"gave torch.uint8 of shape \(4, 8, 8\)"),
            ({"logits": 0}, r"gave a dict for a frame; it must give class scores \(4, h, w\)"),
        ],
    )
    def test_what_are_no_scores(self, install, scores, message):
        install(SEGMENTORS, "net", lambda num_classes: lambda frame: scores)
        segmenter = build_method("copy", backbone="net", num_classes=CLASSES).segmenter
        with pytest.raises(UserError, match="net " + message):
            segmenter.segment(torch.zeros(3, 32, 32))

    def test_what_cannot_be_called(self, install):
        install(SEGMENTORS, "net", lambda num_classes: num_classes)
        with pytest.raises(UserError, match=r"net built a int; it must build a callable from a frame \(3, H, W\)"):
            build_method("copy", backbone="net", num_classes=CLASSES)

    def test_methods_that_need_masks(self, install):
        install(SEGMENTORS, "net", channels)
        with pytest.raises(UserError, match=r"net is swept as per-frame, .*; mpvss needs another backbone"):
            build_method("mpvss", backbone="net", num_classes=CLASSES)

    def test_the_projects_own_names_stay(self, install):
        install(SEGMENTORS, "nano", channels)
        assert has_masks("nano")


class Method:
    """Says that it has a number of classes, and no more."""

    def __init__(self, num_classes):
        self.num_classes = num_classes

    def segment(self, frame):
        raise NotImplementedError

    propagate = segment


class TestMethods:
    def test_weights_reach_it(self, install, tmp_path):
        given = []

        def build(backbone, num_classes, **options):
            given.append(options)
            return Method(num_classes)

        install(ENTRY_POINTS, "mine", build)
        (tmp_path / "w.pt").write_bytes(b"abc")
        built = build_method("mine", backbone="nano", num_classes=CLASSES, weights=tmp_path / "w.pt")
        assert built.weights == "w.pt (sha256 ba7816bf8f01)"
        assert build_method("mine", backbone="nano", num_classes=CLASSES).weights == "the method's own"
        assert given == [{"weights": str(tmp_path / "w.pt")}, {}]

    def test_it_takes_no_weights(self, install, tmp_path):
        install(ENTRY_POINTS, "mine", lambda backbone, num_classes: Method(num_classes))
        with pytest.raises(UserError, match=r"mine takes no weights: .* as BACKBONE/METHOD=FILE"):
            build_method("mine", backbone="nano", num_classes=CLASSES, weights=tmp_path / "w.pt")

    def test_other_classes_than_it_was_built_for(self, install):
        install(ENTRY_POINTS, "mine", lambda backbone, num_classes: Method(19))
        with pytest.raises(UserError, match="mine says num_classes = 19; it was built for 4"):
            build_method("mine", backbone="nano", num_classes=CLASSES)

    def test_what_is_no_method(self, install):
        install(ENTRY_POINTS, "mine", lambda backbone, num_classes: channels)
        with pytest.raises(UserError, match="mine built a function without num_classes, segment, propagate"):
            build_method("mine", backbone="nano", num_classes=CLASSES)
