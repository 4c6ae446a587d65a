"""Accuracy measures of pixel counts, which say of each class how many are right, in the truth and in the prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int64

from bench.metrics.iou import iou_of_counts, mean_over_classes


def measures_of_counts(counts: Int64[np.ndarray, "c 3"]) -> dict[str, Any]:
    """The measures of pooled (intersection, truth, predicted) by their names in a results file, 0..1.

    >>> counts = np.array([[6, 8, 6], [2, 2, 4]])  # as of the confusion matrix [[6, 2], [0, 2]]
    >>> measures = measures_of_counts(counts)
    >>> measures["miou"], measures["pixel_accuracy"]
    (0.625, 0.8)

    None where there is no pixel. Predicted pixels may be fewer than those of the truth: where nothing was predicted.
    """
    intersection, truth, predicted = counts.T
    iou = iou_of_counts(intersection, truth, predicted)
    pixels = truth.sum()
    return {
        "miou": _number(mean_over_classes(iou, truth > 0)),
        "miou_with_predicted": _number(mean_over_classes(iou, ~np.isnan(iou))),
        "wiou": _number(mean_over_classes(iou, truth)),
        "pixel_accuracy": float(intersection.sum() / pixels) if pixels else None,
        "class_iou": [_number(value) for value in iou],
    }


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
