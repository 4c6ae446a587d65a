"""The measures against what the VSPW scripts say of made-up label maps (tests/golden/metrics.*)."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.metrics import VideoConsistency, confusion_matrix, mean_iou, pixel_accuracy, weighted_iou

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = json.loads((GOLDEN / "metrics.json").read_text())


@pytest.fixture(scope="module")
def maps():
    return np.load(GOLDEN / "metrics.npz")


@pytest.mark.parametrize("case", range(len(CASES)))
def test_accuracy(maps, case):
    expected = CASES[case]
    confusion = confusion_matrix(maps[f"gt{case}"], maps[f"pred{case}"], expected["classes"])
    assert mean_iou(confusion) == pytest.approx(expected["mIoU"], rel=1e-12)
    assert weighted_iou(confusion) == pytest.approx(expected["WIoU"], rel=1e-12)
    assert pixel_accuracy(confusion) == pytest.approx(expected["pixel_accuracy"], rel=1e-12)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_consistency(maps, case):
    expected = CASES[case]
    measure = VideoConsistency((8, 16))
    for truth, prediction in zip(maps[f"gt{case}"], maps[f"pred{case}"], strict=True):
        measure.update(truth, prediction)
    windows = measure.end_clip()
    assert windows[8] == pytest.approx(expected["vc8_windows"], rel=1e-12)
    assert windows[16] == pytest.approx(expected["vc16_windows"], rel=1e-12)
    assert measure.mean(8) == pytest.approx(expected["VC8"], rel=1e-12)
    assert measure.mean(16) == pytest.approx(expected["VC16"], rel=1e-12)


def test_consistency_over_clips_is_the_mean_of_all_their_windows(maps):
    measure = VideoConsistency((8,))
    for case in range(len(CASES)):
        for truth, prediction in zip(maps[f"gt{case}"], maps[f"pred{case}"], strict=True):
            measure.update(truth, prediction)
        measure.end_clip()
    windows = [value for case in CASES for value in case["vc8_windows"]]
    assert measure.mean(8) == pytest.approx(sum(windows) / len(windows), rel=1e-12)
