"""The score of a cell, and the measures that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import metrics

WINDOWS = (8, 16)
CONSISTENCIES = (metrics.VideoConsistency, metrics.StrictVideoConsistency)


@dataclass(frozen=True)
class Score:
    """The score of one cell on some frames; scores of clips are added.

    `confusion` is int64 (C, C), rows the truth. `consistency` is float64 (2, 2, 2): the measure (as the VSPW
    scripts compute it; strict), the window (8; 16), and the sum over windows beside the number of windows.

    On clips that are scored by distance `confusion` is int64 (k, C, C) for interval k, one matrix for each distance
    0..k-1 from the key frame, every one of them over all labelled frames. A measure is then the mean over the distances
    of its values.

    `temporal` is int64 (C, C): rows the warped previous prediction, columns the prediction; None where TC was not
    measured. `flow_source` says whose flow warped it.
    """

    confusion: np.ndarray
    consistency: np.ndarray
    labelled_frames: int
    temporal: np.ndarray | None = None
    flow_source: str | None = None

    def __add__(self, other: Score) -> Score:
        """The score on the frames of both."""
        assert self.confusion.shape == other.confusion.shape, "all clips of a data set are scored in one way"
        # Clips that were scored before TC was, or by another flow, leave it without a value.
        has_tc = self.temporal is not None and other.temporal is not None and self.flow_source == other.flow_source
        return Score(
            self.confusion + other.confusion,
            self.consistency + other.consistency,
            self.labelled_frames + other.labelled_frames,
            self.temporal + other.temporal if has_tc else None,  # type: ignore[operator]
            self.flow_source if has_tc else None,
        )

    def counts(self) -> np.ndarray:
        """Int64 (distances, C, 3): pixels of (intersection, truth, predicted) of each class."""
        matrices = self.confusion.reshape(-1, *self.confusion.shape[-2:])
        return np.stack((matrices.diagonal(axis1=1, axis2=2), matrices.sum(axis=2), matrices.sum(axis=1)), axis=-1)

    def measures(self) -> dict[str, Any] | None:
        """Every measure by its name in a results file, 0..1; None where no frame had labels."""
        if self.labelled_frames == 0:
            return None
        sums, counts = self.consistency[..., 0], self.consistency[..., 1]
        vc = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
        matrices = list(self.confusion) if self.confusion.ndim == 3 else [self.confusion]
        measures = {
            "miou": _mean(metrics.mean_iou, matrices),
            "miou_with_predicted": _mean(metrics.mean_iou_with_predicted, matrices),
            "wiou": _mean(metrics.weighted_iou, matrices),
            "pixel_accuracy": _mean(metrics.pixel_accuracy, matrices),
            "mvc8": _number(vc[0, 0]),
            "mvc16": _number(vc[0, 1]),
            "mvc8_strict": _number(vc[1, 0]),
            "mvc16_strict": _number(vc[1, 1]),
            **self._temporal_consistency(),
            "class_iou": _mean_class_iou(matrices),
            "labelled_frames": self.labelled_frames,
        }
        if self.confusion.ndim == 3:
            measures["miou_by_distance"] = [metrics.mean_iou(matrix) for matrix in matrices]
        return measures

    def _temporal_consistency(self) -> dict[str, Any]:
        tc = None if self.temporal is None else metrics.mean_iou_with_predicted(self.temporal)
        return {} if tc is None else {"tc": tc, "tc_flow": self.flow_source}


def _mean(measure: Callable[[np.ndarray], float | None], matrices: Sequence[np.ndarray]) -> float | None:
    """The mean of a measure over confusion matrices of the same truth; None where that holds no pixel."""
    values = [value for matrix in matrices if (value := measure(matrix)) is not None]
    return sum(values) / len(values) if values else None


def _mean_class_iou(matrices: Sequence[np.ndarray]) -> list[float | None]:
    """The mean IoU of each class, over the matrices in whose truth or prediction it occurs; None where in none."""
    of_classes = zip(*(metrics.per_class_iou(matrix) for matrix in matrices), strict=True)
    return [None if np.isnan(ious).all() else float(np.nanmean(ious)) for ious in of_classes]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
