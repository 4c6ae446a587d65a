"""Temporal consistency (TC): mIoU between a prediction and the flow-warped prediction of the frame before.

ETC's measure (Liu et al., ECCV 2020, "Efficient Semantic Video Segmentation with Per-frame Inference", Sec. 4.1). As in
the VSPW authors' program, one confusion matrix is pooled over all pairs of successive frames of all clips, labels are
warped to the nearest pixel, and the mean is over the classes of either map. No ground truth is needed, so a prediction
that is constantly wrong is consistent. Unlike in that program, which takes pixels from outside the frame for class 0,
these are left out. Occluded pixels count, as in both.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64, Integer

from bench.metrics.confusion import confusion_matrix
from mpvss.errors import UserError
from mpvss.labels import IGNORE

OUTSIDE = -1
"""Stands for a pixel whose flow leads outside of the frame."""


def flow_sources(flow: Float[np.ndarray, "2 h w"]) -> Int64[np.ndarray, "h w"]:
    """For each pixel the flat index of the pixel nearest to where its backward flow leads, or `OUTSIDE`.

    >>> flow_sources(np.array([[[1.0, 0.4, 1.0]], [[0.0, 0.0, 0.0]]])).tolist()  # x then y, one row of three pixels
    [[1, 1, -1]]
    """
    height, width = flow.shape[1:]
    column = np.rint(np.arange(width) + flow[0]).astype(np.int64)
    row = np.rint(np.arange(height)[:, None] + flow[1]).astype(np.int64)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    return np.where(inside, row * width + column, OUTSIDE)


def warped_labels(labels: Integer[np.ndarray, "h w"], sources: Int64[np.ndarray, "_ _"]) -> Integer[np.ndarray, "h w"]:
    """A label map brought to the next frame; 255 where its source lies outside.

    Raises:
        UserError: maps of two sizes.
    """
    if labels.shape != sources.shape:
        raise UserError(f"the labels are {labels.shape} and the flow {sources.shape}; they must agree")
    return np.where(sources == OUTSIDE, np.uint8(IGNORE), labels.ravel().take(sources, mode="clip"))


def temporal_confusion(
    previous: Integer[np.ndarray, "h w"],
    labels: Integer[np.ndarray, "h w"],
    sources: Int64[np.ndarray, "_ _"],
    num_classes: int,
) -> Int64[np.ndarray, "c c"]:
    """The confusion matrix of one pair of frames: rows the warped previous prediction, columns the prediction.

    Add those of all pairs, and take `mean_iou_with_predicted`.

    Args:
        previous: the prediction of the frame before, ids 0..num_classes-1.
        labels: that of the frame.
        sources: as `flow_sources`, of the flow from the frame back to the one before.
        num_classes: 1 to 255.

    Raises:
        UserError: as `confusion_matrix`.
    """
    return confusion_matrix(warped_labels(previous, sources), labels, num_classes)
