"""The pooled confusion matrix that every IoU of a run comes from."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64, Integer, UInt8

from mpvss.errors import UserError
from mpvss.labels import IGNORE, check_num_classes


def confusion_matrix(
    truth: Integer[np.ndarray, "..."], prediction: Integer[np.ndarray, "..."], num_classes: int
) -> Int64[np.ndarray, "c c"]:
    """Count the pixels of each pair of classes; add the matrices of all frames before taking an IoU.

    >>> confusion_matrix(np.array([0, 0, 1, 255]), np.array([0, 1, 1, 1]), num_classes=2).tolist()
    [[1, 1], [0, 1]]

    Args:
        truth: ids 0..num_classes−1, or 255 where the pixel is not counted; any shape.
        prediction: ids 0..num_classes−1, of the truth's shape. Every pixel needs a class: 255 is refused.
        num_classes: 1 to 255.

    Returns:
        Pixels: row = class of the truth, column = class of the prediction.

    Raises:
        UserError: maps of different shapes, or an id that is not a class.

    """
    check_num_classes(num_classes)
    if truth.shape != prediction.shape:
        raise UserError(f"the truth is {truth.shape} and the prediction {prediction.shape}; they must agree")
    pairs = _as_bytes(truth, "truth").astype(np.uint16)
    pairs <<= 8
    pairs |= _as_bytes(prediction, "prediction")
    # All 256 ids are counted, so that one pass finds the ids that should not be there too.
    counts = np.bincount(pairs.ravel(), minlength=1 << 16).reshape(256, 256)
    strangers = np.flatnonzero(counts[num_classes:IGNORE].sum(axis=1))
    if strangers.size:
        raise UserError(
            f"the truth holds id {num_classes + strangers[0]}; ids are 0 to {num_classes - 1}, or {IGNORE} for ignore"
        )
    strangers = np.flatnonzero(counts[:, num_classes:].sum(axis=0))
    if strangers.size:
        raise UserError(f"the prediction holds id {num_classes + strangers[0]}; ids are 0 to {num_classes - 1}")
    return counts[:num_classes, :num_classes].astype(np.int64)


def _as_bytes(labels: Integer[np.ndarray, "..."], what: str) -> UInt8[np.ndarray, "..."]:
    if labels.dtype != np.uint8 and labels.size:
        for id in (labels.min(), labels.max()):
            if not 0 <= id <= IGNORE:
                raise UserError(f"the {what} holds id {id}; label maps are 8-bit")
    return labels.astype(np.uint8, copy=False)
