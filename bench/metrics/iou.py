"""Accuracy measures of one pooled confusion matrix (rows = truth, columns = prediction).

Pool first: the mean of per-image IoUs is another number. Every function but `per_class_iou` gives None where the
matrix holds no pixel: "no data" is never mistaken for 0 %.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Integer


def per_class_iou(confusion: Integer[np.ndarray, "c c"]) -> Float64[np.ndarray, " c"]:
    """Intersection over union of each class, 0..1; nan for a class in neither the truth nor the prediction."""
    right = confusion.diagonal().astype(np.float64)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - confusion.diagonal()
    return np.divide(right, union, out=np.full(len(right), np.nan), where=union > 0)


def mean_iou(confusion: Integer[np.ndarray, "c c"]) -> float | None:
    """The IoU's mean over the classes that occur in the ground truth: mIoU of the VSPW scripts.

    >>> round(mean_iou(np.array([[6, 2], [0, 2]])), 4)  # (6/8 + 2/4) / 2
    0.625

    A class that is predicted but absent from the truth lowers the IoU of the classes it covers, and adds no 0.
    """
    occurs = confusion.sum(axis=1) > 0
    return float(per_class_iou(confusion)[occurs].mean()) if occurs.any() else None


def mean_iou_with_predicted(confusion: Integer[np.ndarray, "c c"]) -> float | None:
    """The IoU's mean over the classes in the ground truth OR a prediction: mIoU of the MPVSS program's evaluator.

    Never above `mean_iou`: a class that is predicted but absent from the truth adds a 0 to the mean.
    """
    iou = per_class_iou(confusion)
    occurs = ~np.isnan(iou)
    return float(iou[occurs].mean()) if occurs.any() else None


def weighted_iou(confusion: Integer[np.ndarray, "c c"]) -> float | None:
    """The IoU's mean weighted by each class's share of the ground truth's pixels: WIoU of the VSPW scripts."""
    share = confusion.sum(axis=1)
    occurs = share > 0
    if not occurs.any():
        return None
    return float((per_class_iou(confusion)[occurs] * share[occurs]).sum() / share.sum())


def pixel_accuracy(confusion: Integer[np.ndarray, "c c"]) -> float | None:
    """The share of counted pixels whose class is right, 0..1."""
    counted = confusion.sum()
    return float(confusion.trace() / counted) if counted else None
