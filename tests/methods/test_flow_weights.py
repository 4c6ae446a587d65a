"""The weights of a flow network that come apart from the row's other weights."""

import hashlib

import pytest
import torch

from baselines.raft import RAFT
from bench.methods import build
from bench.methods.registry import build_method
from mpvss.checkpoints import save_checkpoint

CLASSES = 5


def digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


@pytest.fixture
def per_frame(tmp_path):
    path = tmp_path / "image.safetensors"
    save_checkpoint(build("per-frame", backbone="nano", num_classes=CLASSES, seed=3), path, {})
    return path


def assert_same(module, other):
    ours, theirs = module.state_dict(), other.state_dict()
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())


def test_flownets(per_frame, tmp_path):
    flow = build("optical-flow", backbone="nano", num_classes=CLASSES, seed=4).flow
    path = tmp_path / "flow.safetensors"
    save_checkpoint(flow, path, {})
    for weights, loaded in ((per_frame, f"image.safetensors (sha256 {digest(per_frame)})"), (None, "untrained")):
        options = {"num_classes": CLASSES, "weights": weights, "flow_weights": path}
        built = build_method("optical-flow", backbone="nano", **options)
        assert built.weights == f"{loaded}, flow flow.safetensors (sha256 {digest(path)})"
        assert_same(built.module.flow, flow)
        seed = 3 if weights else 0
        assert_same(built.module.segmentor, build("copy", backbone="nano", num_classes=CLASSES, seed=seed).segmentor)


def test_raft_under_its_published_names(per_frame, filled, tmp_path):
    theirs, path = filled(RAFT(), seed=1), tmp_path / "raft-things.pth"
    torch.save({f"module.{name}": tensor for name, tensor in theirs.state_dict().items()}, path)
    options = {"num_classes": CLASSES, "weights": per_frame}
    alone = build_method("optical-flow-raft", backbone="nano", **options)
    assert alone.weights == f"image.safetensors (sha256 {digest(per_frame)}, flow untrained)"
    built = build_method("optical-flow-raft", backbone="nano", flow_weights=path, **options)
    assert built.weights.endswith(f", flow raft-things.pth (sha256 {digest(path)})")
    assert "untrained" not in built.weights
    assert_same(built.module.flow, theirs)
