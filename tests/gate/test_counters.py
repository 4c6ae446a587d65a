"""The gate's counters, really measured: against independent counts, and with a change planted into the model."""

import numpy as np
import pytest
import torch

from bench.data import open_dataset
from bench.gate import counters
from bench.gate.baseline import compare_counters
from bench.gate.counters import measure_counters
from bench.measure.count.cost_of_method import method_cost
from bench.methods import build, shipped
from bench.metrics import confusion_matrix, mean_iou
from mpvss.motion.module import MotionModule
from mpvss.segmentor.mask2former import Mask2Former

SIZE = (64, 96)
DATA = f"synthetic:clips=2,frames=6,size={SIZE[0]}x{SIZE[1]}"


@pytest.fixture(autouse=True)
def _few_rows(monkeypatch):
    monkeypatch.setattr(counters, "shipped_rows", lambda: ["micro/mpvss", "micro/per-frame", "nano/per-frame"])


@pytest.fixture(scope="module")
def measured():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxtyping.config.jaxtyping_disable", True)
        patch.setattr(counters, "shipped_rows", lambda: ["micro/mpvss", "micro/per-frame", "nano/per-frame"])
        return measure_counters(DATA)


def test_every_row_has_its_kinds_of_frame(measured):
    kinds = {row: list(content.kinds) for row, content in measured.methods.items()}
    assert kinds == {"copy": ["key", "non-key"], "mpvss": ["key", "non-key"], "per-frame": ["key"]}


@pytest.mark.parametrize("method", ["copy", "mpvss", "per-frame"])
def test_parameters_and_macs_are_those_of_the_cost(measured, method):
    """The cost is counted on the graph, without values; the gate counts what runs."""
    cost = method_cost(method, backbone="micro", num_classes=12, size=SIZE)
    found = measured.methods[method]
    assert found.parameters == cost.parameters
    assert found.kinds["key"].macs == cost.key_macs
    if method != "per-frame":
        # fvcore reads the count of an einsum from a report of four digits.
        assert found.kinds["non-key"].macs == pytest.approx(cost.non_key_macs, rel=1e-5)


@pytest.mark.parametrize("method", ["copy", "mpvss", "per-frame"])
def test_accuracy_is_that_of_the_shipped_weights(measured, method):
    """Frame by frame and by hand: six frames at interval 5 have key frames 0 and 5."""
    weights = shipped.shipped_file(method, "micro")
    model = build(method, backbone="micro", num_classes=12, weights=weights)
    confusion = np.zeros((12, 12), np.int64)
    for clip in open_dataset(DATA).clips:
        state = None
        for index, frame in enumerate(clip.frames()):
            image = torch.from_numpy(frame.image)
            is_key = method == "per-frame" or index in (0, 5)
            with torch.inference_mode():
                prediction, state = model.segment(image) if is_key else model.propagate(image, state)
                confusion += confusion_matrix(frame.labels, prediction.labels().numpy(), 12)
    assert measured.methods[method].miou == pytest.approx(mean_iou(confusion), abs=1e-12)


def test_the_same_code_has_no_regression(measured):
    assert {finding.verdict for finding in compare_counters(measured, measure_counters(DATA))} == {"SAME"}


def test_an_operator_and_memory_planted_into_the_model_are_regressions(measured, monkeypatch):
    """One more operator in each flow, and a large tensor held while a key frame is segmented."""
    flow, features = MotionModule.forward, Mask2Former.features
    monkeypatch.setattr(MotionModule, "forward", lambda self, *given: flow(self, *given).cos().acos())

    def hold(self, frame, *given):
        held = torch.zeros(50_000_000)
        found = features(self, frame, *given)
        assert held.numel()
        return found

    monkeypatch.setattr(Mask2Former, "features", hold)
    found = compare_counters(measured, measure_counters(DATA))
    worse = {(finding.method, finding.quantity) for finding in found if finding.is_regression}
    assert {
        ("mpvss", "operators of non-key frames"),
        ("mpvss", "peak_bytes of key frames"),
        ("per-frame", "peak_bytes of key frames"),
    } <= worse
    assert ("copy", "operators of non-key frames") not in worse
