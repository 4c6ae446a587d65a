import numpy as np
import pytest

from bench.metrics import mean_iou, mean_iou_with_predicted, per_class_iou, pixel_accuracy, weighted_iou

# Class 0: 6 of 8 pixels right, 2 taken for class 1. Class 1: both pixels right. Class 2: nowhere in the truth, and
# predicted nowhere. Class 3: nowhere in the truth; see `STRAY`.
PLAIN = np.array([[6, 2, 0, 0], [0, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
# As PLAIN, but one right pixel of class 0 is taken for class 3.
STRAY = np.array([[5, 2, 0, 1], [0, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])


def test_iou_of_each_class():
    np.testing.assert_allclose(per_class_iou(PLAIN), [6 / 8, 2 / 4, np.nan, np.nan])
    np.testing.assert_allclose(per_class_iou(STRAY), [5 / 8, 2 / 4, np.nan, 0])


def test_mean_over_the_classes_of_the_truth():
    assert mean_iou(PLAIN) == pytest.approx((6 / 8 + 2 / 4) / 2)
    assert mean_iou(STRAY) == pytest.approx((5 / 8 + 2 / 4) / 2)


def test_mean_over_the_classes_of_truth_or_prediction():
    assert mean_iou_with_predicted(PLAIN) == pytest.approx((6 / 8 + 2 / 4) / 2)
    assert mean_iou_with_predicted(STRAY) == pytest.approx((5 / 8 + 2 / 4 + 0) / 3)


def test_weighted_by_the_truth():
    assert weighted_iou(PLAIN) == pytest.approx(0.8 * 6 / 8 + 0.2 * 2 / 4)


def test_pixel_accuracy():
    assert pixel_accuracy(PLAIN) == pytest.approx(8 / 10)
    assert pixel_accuracy(STRAY) == pytest.approx(7 / 10)


@pytest.mark.parametrize("measure", [mean_iou, mean_iou_with_predicted, weighted_iou, pixel_accuracy])
def test_nothing_measured_is_not_zero(measure):
    assert measure(np.zeros((3, 3), np.int64)) is None
    # Nothing right of something measured is.
    assert measure(np.array([[0, 1], [0, 0]])) == 0
