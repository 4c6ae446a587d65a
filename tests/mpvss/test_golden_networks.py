"""MPVSS and FlowNetS against what the published programs made of the same weights and frames (tests/golden)."""

from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.flownets import build_flownets
from mpvss.build import build_mpvss, build_segmentor
from mpvss.checkpoints import load_checkpoint
from mpvss.checkpoints.names import to_ours
from mpvss.presets import PAPER

GOLDEN = Path(__file__).parents[1] / "golden"
TOLERANCE = 1e-4

CASES = {
    "r50": ("mpvss_r50_c124", "mpvss_r50_c124_96x160_s11", 124, 11),
    "swin-t": ("mpvss_swin_t_c19", "mpvss_swin_t_c19_90x150_s12", 19, 12),
}


@pytest.fixture(scope="module", params=[(b, e) for b in CASES for e in ("lean", "paper")], ids="-".join)
def run(request, golden_weights, undrawn):
    """The golden arrays, and ours of the same names."""
    backbone, execution = request.param
    keys, arrays, num_classes, seed = CASES[backbone]
    weights = golden_weights(keys, seed)
    with undrawn():
        model = build_mpvss("mpvss", backbone, build_segmentor(backbone, num_classes, execution)).eval()
    report = load_checkpoint(model, weights)
    golden = np.load(GOLDEN / f"{arrays}.npz")
    key_image, image = torch.from_numpy(golden["key_image"]), torch.from_numpy(golden["image"])
    with torch.inference_mode():
        segments = model.segmentor(key_image)
        key, state = model.segment(key_image)
        flow = model.motion(image[None], key_image[None], state.queries)[0]
        other, _ = model.propagate(image, state)
        ours = {
            "key_class_logits": segments.class_logits[0],
            "key_mask_logits": segments.mask_logits[0],
            "key_queries": segments.queries[0],
            "flow": flow,
            "warped_mask_logits": other.mask_logits,
            "key": key.scores(),
            "nonkey": other.scores(),
            "key_labels": key.labels(),
            "nonkey_labels": other.labels(),
        }
    return golden, {name: x.numpy() for name, x in ours.items()}, report, weights, model.warp_variant


def relative_error(ours: np.ndarray, golden: np.ndarray) -> float:
    return float(np.linalg.norm(ours - golden) / np.linalg.norm(golden))


def test_every_published_tensor_has_its_place(run):
    _, _, report, weights, variant = run
    assert (report.kind, report.missing, report.left_over) == ("published", (), ())
    assert len(report.loaded) == len(weights)
    assert variant == "published"


@pytest.mark.parametrize("name", ["key_class_logits", "key_mask_logits", "key_queries", "flow", "warped_mask_logits"])
def test_logits_and_flow(run, name):
    golden, ours, *_ = run
    assert ours[name].shape == golden[name].shape
    assert relative_error(ours[name], golden[name]) < TOLERANCE


@pytest.mark.parametrize("frame", ["key", "nonkey"])
def test_scores_and_labels(run, frame):
    golden, ours, *_ = run
    scores = ours[frame]
    assert relative_error(scores[:, ::4, ::4], golden[f"{frame}_scores"]) < TOLERANCE
    second, first = np.sort(scores, axis=0)[-2:]
    differ = ours[f"{frame}_labels"] != golden[f"{frame}_labels"]
    assert ours[f"{frame}_labels"].dtype == np.uint8
    assert (first - second)[differ].max(initial=0) < TOLERANCE


def test_flownets(golden_weights, undrawn):
    weights = golden_weights("flownets", 21)
    with undrawn():
        network = build_flownets(PAPER.motion_widths, PAPER.flownet_widths).eval()
    report = load_checkpoint(network, weights)
    assert (report.kind, report.missing, report.left_over) == ("flownets", (), ())
    assert len(report.loaded) == len(weights)
    golden = np.load(GOLDEN / "flownets_96x160_s21.npz")
    mean = np.array((0.411, 0.432, 0.450), dtype=np.float32)[:, None, None]
    pair = np.concatenate([golden[name].astype(np.float32) / 255 - mean for name in ("first", "second")])
    with torch.inference_mode():
        flow = network(torch.from_numpy(pair)[None]).numpy()
    assert flow.shape == golden["flow2"].shape
    assert relative_error(flow, golden["flow2"]) < TOLERANCE


def test_swin_b_of_19_classes_takes_every_published_tensor(published_shapes):
    shapes = published_shapes("mpvss_swin_b_c19")
    with torch.device("meta"):
        model = build_mpvss("mpvss", "swin-b", build_segmentor("swin-b", 19))
        weights = {name: torch.empty(shape) for name, shape in shapes.items()}
        report = load_checkpoint(model, weights)
    assert report.missing == ()
    indices = {name for name in shapes if name.endswith("relative_position_index")}
    assert len(indices) == 2 + 2 + 18 + 2  # Swin-B's blocks
    assert set(report.left_over) == indices
    assert len(report.loaded) == len(shapes) - len(indices)
    assert model.warp_variant == "published"


def test_no_two_published_names_share_a_place(published_shapes):
    """Else one of two tensors would be lost, unseen by the counts above."""
    for keys in ("mpvss_r50_c124", "mpvss_swin_t_c19", "mpvss_swin_b_c19", "flownets"):
        shapes = published_shapes(keys)
        kind = "flownets" if keys == "flownets" else "published"
        assert len(to_ours({name: torch.empty(0) for name in shapes}, kind)) == len(shapes)
