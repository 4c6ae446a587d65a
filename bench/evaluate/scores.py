"""The accuracy of every cell of a backbone, from one lockstep pass, kept clip by clip on disk."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import metrics
from bench.evaluate.lockstep import Cell, Group
from bench.runs.results import file_name, write_atomically
from mpvss.errors import UserError

WINDOWS = (8, 16)
CONSISTENCIES = (metrics.VideoConsistency, metrics.StrictVideoConsistency)


@dataclass(frozen=True)
class Score:
    """What one cell scored on some frames; scores of clips are added.

    `confusion` is int64 (C, C), rows the truth. `consistency` is float64 (2, 2, 2): the measure (as the VSPW
    scripts compute it; strict), the window (8; 16), and the sum over windows beside the number of windows.

    On clips that are scored by distance `confusion` is int64 (k, C, C) for interval k, one matrix for each distance
    0..k-1 from the key frame, every one of them over all labelled frames. A measure is then the mean over the distances
    of its values.
    """

    confusion: np.ndarray
    consistency: np.ndarray
    labelled_frames: int

    def __add__(self, other: Score) -> Score:
        """The score on the frames of both."""
        assert self.confusion.shape == other.confusion.shape, "all clips of a data set are scored in one way"
        return Score(
            self.confusion + other.confusion,
            self.consistency + other.consistency,
            self.labelled_frames + other.labelled_frames,
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
            "class_iou": _mean_class_iou(matrices),
            "labelled_frames": self.labelled_frames,
        }
        if self.confusion.ndim == 3:
            measures["miou_by_distance"] = [metrics.mean_iou(matrix) for matrix in matrices]
        return measures


class ClipScorer:
    """Scores of many cells on one clip, fed frame by frame.

    VC needs successive labels: it is left out for a clip of which some frame has none.
    """

    def __init__(self, cells: Iterable[Cell], num_classes: int) -> None:
        self._num_classes = num_classes
        self._confusion = {cell: np.zeros((num_classes, num_classes), np.int64) for cell in cells}
        self._consistency = {cell: [make(WINDOWS) for make in CONSISTENCIES] for cell in self._confusion}
        self._labelled = 0
        self._gaps = False

    def update(self, truth: np.ndarray | None, groups: Collection[Group]) -> None:
        """Take a frame's truth, uint8 (H, W) or None, and the label maps of the cells."""
        if truth is None:
            self._gaps = True
            return
        self._labelled += 1
        for group in groups:
            confusion = metrics.confusion_matrix(truth, group.labels, self._num_classes)
            for cell in group.cells:
                self._confusion[cell] += confusion
                if not self._gaps:
                    for measure in self._consistency[cell]:
                        measure.update(truth, group.labels)

    def end(self, failed: Collection[str]) -> dict[Cell, Score]:
        """The scores of the clip, but for the cells of the methods that failed in it."""
        scores = {}
        for cell, confusion in self._confusion.items():
            if cell.method not in failed:
                sums = np.zeros((len(CONSISTENCIES), len(WINDOWS), 2))
                for row, measure in zip(sums, self._consistency[cell], strict=True):
                    if not self._gaps:
                        windows = measure.end_clip()
                        row[:] = [_sum_and_count(windows[n]) for n in WINDOWS]
                scores[cell] = Score(confusion, sums, self._labelled)
        return scores


class DistanceScorer:
    """Scores of many cells on one clip at every distance from the key frame, fed frame by frame.

    There is no VC, which needs successive labels.
    """

    def __init__(self, cells: Iterable[Cell], num_classes: int) -> None:
        self._num_classes = num_classes
        self._confusion = {cell: np.zeros((cell.interval, num_classes, num_classes), np.int64) for cell in cells}
        self._labelled = 0

    def update(self, truth: np.ndarray | None, groups: Collection[Group]) -> None:
        """Take a frame's truth, uint8 (H, W) or None, and the label maps of the cells with their distances."""
        if truth is None:
            return
        self._labelled += 1
        for group in groups:
            assert group.distance is not None, "the lockstep was told the labelled frames"
            confusion = metrics.confusion_matrix(truth, group.labels, self._num_classes)
            for cell in group.cells:
                self._confusion[cell][group.distance] += confusion

    def end(self, failed: Collection[str]) -> dict[Cell, Score]:
        """The scores of the clip, but for the cells of the methods that failed in it."""
        no_windows = np.zeros((len(CONSISTENCIES), len(WINDOWS), 2))
        return {
            cell: Score(confusion, no_windows, self._labelled)
            for cell, confusion in self._confusion.items()
            if cell.method not in failed
        }


class ClipStore:
    """The scores of finished clips in a folder, so that a sweep that was stopped goes on at the next clip."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, index: int, name: str) -> dict[Cell, Score]:
        """The scores of a clip; empty where it has not been finished."""
        file = self._file(index, name)
        if not file.exists():
            return {}
        try:
            with np.load(file, allow_pickle=False) as stored:
                cells = [Cell(method, interval) for method, interval in json.loads(str(stored["cells"]))]
                if "confusion_by_distance" in stored:
                    ends = np.cumsum([cell.interval for cell in cells])
                    confusions = np.split(stored["confusion_by_distance"], ends[:-1])
                else:
                    confusions = stored["confusion"]
                scores = zip(confusions, stored["consistency"], stored["frames"], strict=True)
                return {
                    cell: Score(confusion, sums, int(frames))
                    for cell, (confusion, sums, frames) in zip(cells, scores, strict=True)
                }
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(f"{file} is damaged ({error}); delete it to score the clip again") from None

    def save(self, index: int, name: str, scores: Mapping[Cell, Score]) -> None:
        """Write the scores of a clip in one step."""
        if not scores:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        confusions = [score.confusion for score in scores.values()]
        if confusions[0].ndim == 3:
            arrays: dict[str, Any] = {"confusion_by_distance": np.concatenate(confusions)}
        else:
            arrays = {"confusion": np.stack(confusions)}
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            cells=np.array(json.dumps([[cell.method, cell.interval] for cell in scores])),
            consistency=np.stack([score.consistency for score in scores.values()]),
            frames=np.array([score.labelled_frames for score in scores.values()]),
            **arrays,
        )
        write_atomically(self._file(index, name), buffer.getvalue())

    def _file(self, index: int, name: str) -> Path:
        return self.folder / f"{index:05d}-{file_name(name)}.npz"


def _sum_and_count(windows: tuple[float, ...]) -> tuple[float, int]:
    measured = [value for value in windows if not np.isnan(value)]
    return sum(measured), len(measured)


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
