"""Accuracy measures of one pooled confusion matrix (rows = truth, columns = prediction).

Pool first: the mean of per-image IoUs is another number. Every function but `per_class_iou` gives None where the
matrix holds no pixel: "no data" is never mistaken for 0 %.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64, Integer, Num


def iou_of_counts(
    intersection: Num[np.ndarray, "*c"], truth: Num[np.ndarray, "*c"], predicted: Num[np.ndarray, "*c"]
) -> Float64[np.ndarray, "*c"]:
    """Intersection over union of pixel counts, 0..1; nan for a class in neither the truth nor the prediction."""
    union = truth + predicted - intersection
    return np.divide(intersection, union, out=np.full(union.shape, np.nan), where=union > 0)


def mean_over_classes(
    iou: Float64[np.ndarray, "*n c"], weights: Num[np.ndarray, "*n c"] | Bool[np.ndarray, "*n c"]
) -> Float64[np.ndarray, "*n"]:
    """The weighted mean of the classes' IoU; nan where no class has a weight above 0."""
    total = np.asarray(weights.sum(axis=-1), np.float64)
    weighted = np.where(weights > 0, iou, 0.0) * weights
    return np.divide(weighted.sum(axis=-1), total, out=np.full(total.shape, np.nan), where=total > 0)


def per_class_iou(confusion: Integer[np.ndarray, "c c"]) -> Float64[np.ndarray, " c"]:
    """Intersection over union of each class, 0..1; nan for a class in neither the truth nor the prediction."""
    return iou_of_counts(confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0))


def mean_iou(confusion: Integer[np.ndarray, "c c"]) -> float | None:
    """The IoU's mean over the classes that occur in the ground truth: mIoU of the VSPW scripts.

    >>> round(mean_iou(np.array([[6, 2], [0, 2]])), 4)  # (6/8 + 2/4) / 2
    0.625

    A class that is predicted but absent from the truth lowers the IoU of the classes it covers, and adds no 0.
    """
    return _number(mean_over_classes(per_class_iou(confusion), confusion.sum(axis=1) > 0))


def mean_iou_with_predicted(confusion: Integer[np.ndarray, "c c"]) -> float | None:
    """The IoU's mean over the classes in the ground truth OR a prediction: mIoU of the MPVSS program's evaluator.

    Never above `mean_iou`: a class that is predicted but absent from the truth adds a 0 to the mean.
    """
    iou = per_class_iou(confusion)
    return _number(mean_over_classes(iou, ~np.isnan(iou)))


def weighted_iou(confusion: Integer[np.ndarray, "c c"]) -> float | None:
    """The IoU's mean weighted by each class's share of the ground truth's pixels: WIoU of the VSPW scripts."""
    return _number(mean_over_classes(per_class_iou(confusion), confusion.sum(axis=1)))


def pixel_accuracy(confusion: Integer[np.ndarray, "c c"]) -> float | None:
    """The share of counted pixels whose class is right, 0..1."""
    counted = confusion.sum()
    return float(confusion.trace() / counted) if counted else None


def _number(value: Float64[np.ndarray, ""]) -> float | None:
    return None if np.isnan(value) else float(value)
