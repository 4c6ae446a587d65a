import numpy as np
import pytest

from bench.metrics import confusion_matrix


def labels(*rows):
    return np.array(rows, np.uint8)


def test_counts_pairs_with_the_truth_in_rows():
    truth = labels([0, 0, 1], [2, 1, 255])
    prediction = labels([0, 2, 1], [2, 0, 1])
    expected = [[1, 0, 1], [1, 1, 0], [0, 0, 1]]
    np.testing.assert_array_equal(confusion_matrix(truth, prediction, 3), expected)


def test_matrices_of_frames_add_up_to_that_of_all_frames():
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 5, (2, 4, 6, 7), np.uint8)
    pooled = sum(confusion_matrix(t, p, 5) for t, p in zip(truth, prediction, strict=True))
    np.testing.assert_array_equal(pooled, confusion_matrix(truth, prediction, 5))
    assert pooled.sum() == 4 * 6 * 7


def test_wide_integers_count_like_bytes():
    truth, prediction = labels([0, 1, 255]), labels([1, 1, 0])
    np.testing.assert_array_equal(
        confusion_matrix(truth.astype(np.int64), prediction.astype(np.int32), 2),
        confusion_matrix(truth, prediction, 2),
    )


def test_all_255_classes_have_a_row():
    ids = np.arange(255, dtype=np.uint8)
    np.testing.assert_array_equal(confusion_matrix(ids, ids, 255), np.eye(255))


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        ([0, 3], [0, 0], "truth holds id 3"),
        ([0, 254], [0, 0], "truth holds id 254"),
        ([0, 0], [0, 3], "prediction holds id 3"),
        ([0, 0], [0, 255], "prediction holds id 255"),
        ([0, 255], [0, 255], "prediction holds id 255"),
    ],
)
def test_refuses_ids_that_are_no_class(truth, prediction, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(labels(truth), labels(prediction), 3)


@pytest.mark.parametrize("id", [-1, 256])
def test_refuses_ids_that_no_byte_holds(id):
    with pytest.raises(ValueError, match=f"prediction holds id {id}"):
        confusion_matrix(np.array([0]), np.array([id]), 3)


def test_refuses_maps_of_two_shapes():
    with pytest.raises(ValueError, match=r"\(1, 2\).*\(1, 3\)"):
        confusion_matrix(labels([0, 0]), labels([0, 0, 0]), 2)


@pytest.mark.parametrize("num_classes", [0, 256])
def test_refuses_numbers_of_classes_that_label_maps_cannot_hold(num_classes):
    with pytest.raises(ValueError, match=f"num_classes is {num_classes}"):
        confusion_matrix(labels([0]), labels([0]), num_classes)
