"""Scores of finished clips, kept on disk clip by clip."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.evaluate.lockstep import Cell
from bench.evaluate.scores import Score
from bench.runs.clip_counts import MOST_BYTES
from bench.runs.files import file_name, make_folder, read_bytes, write_atomically
from bench.runs.records.cell import OFTEN
from mpvss.errors import UserError


class ClipStore:
    """The scores of finished clips in a folder, so that an interrupted sweep resumes at the next clip."""

    def __init__(self, folder: Path, say: Callable[[str], object] = warnings.warn) -> None:
        """Open a store.

        Args:
            folder: made with the first clip.
            say: is told of a damaged file.

        """
        self.folder = folder
        self._say = say

    def load(self, index: int, name: str) -> dict[Cell, Score]:
        """The scores of a clip; empty where it has not been finished, or its file is damaged and gets another name."""
        file = self._file(index, name)
        if not file.exists():
            return {}
        try:
            return _scores(read_bytes(file))
        except Exception as error:  # damaged bytes fail in too many ways to name
            aside = file.with_suffix(".damaged")
            file.replace(aside)
            self._say(f"{file} is damaged ({error}): it is {aside.name} now, and the clip is scored again")
            return {}

    def save(self, index: int, name: str, scores: Mapping[Cell, Score]) -> None:
        """Write the scores of a clip in one step."""
        if not scores:
            return
        make_folder(self.folder)
        confusions = [score.confusion for score in scores.values()]
        if confusions[0].ndim == 3:
            arrays: dict[str, Any] = {"confusion_by_distance": np.concatenate(confusions)}
        else:
            arrays = {"confusion": np.stack(confusions)}
        temporal = [score.temporal for score in scores.values()]
        if all(matrix is not None for matrix in temporal):
            arrays["temporal"] = np.stack(temporal)  # type: ignore[arg-type]
            arrays["flow_source"] = np.array(next(iter(scores.values())).flow_source)
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
        return _file_of(self.folder, index, name)


def read_clip(folder: Path, index: int, name: str, cells: Iterable[Cell], num_classes: int) -> dict[Cell, Score]:
    """The scores of these cells in a clip, from a store that is left as it is.

    Raises:
        UserError: the clip's file is not there or damaged, or lacks a cell.
    """
    file = _file_of(folder, index, name)
    try:
        scores = _scores(read_bytes(file))
        chosen = {cell: scores[cell] for cell in cells}
        for score in chosen.values():
            if score.confusion.shape[-1] != num_classes:
                raise ValueError(f"it is of {score.confusion.shape[-1]} classes, and the sweep of {num_classes}")
        return chosen
    except UserError:
        raise
    except Exception as error:  # damaged bytes fail in too many ways to name
        raise UserError(
            f"{file} is damaged ({type(error).__name__}: {error}); remove it and the `cells` beside its `partial`, and "
            "rerun the sweep that made it"
        ) from error


def _checked(score: Score, cell: Cell) -> Score:
    """The score, where it can be one; else ValueError."""
    confusion, consistency = score.confusion, score.consistency
    classes = confusion.shape[-1] if confusion.ndim else 0
    if confusion.shape not in ((classes, classes), (cell.interval, classes, classes)) or confusion.dtype != np.int64:
        raise ValueError(f"a confusion matrix is {confusion.dtype} {confusion.shape}")
    if (confusion < 0).any() or confusion.sum(dtype=float) > OFTEN:
        raise ValueError("a confusion matrix holds a count that no clip has")
    if consistency.shape != (2, 2, 2) or consistency.dtype != np.float64:
        raise ValueError(f"sums of video consistency are {consistency.dtype} {consistency.shape}")
    sums, windows = consistency[..., 0], consistency[..., 1]
    if not ((sums >= 0) & (sums <= windows) & (windows <= OFTEN)).all():
        raise ValueError("a sum of video consistency is not within 0 and its number of windows")
    pairs = score.temporal
    if pairs is not None and (pairs.shape != (classes, classes) or pairs.dtype != np.int64 or (pairs < 0).any()):
        raise ValueError(f"a confusion matrix of successive frames is {pairs.dtype} {pairs.shape}, or below 0")
    if not 0 <= score.labelled_frames <= OFTEN:
        raise ValueError(f"{score.labelled_frames} labelled frames")
    return score


def _file_of(folder: Path, index: int, name: str) -> Path:
    return folder / f"{index:05d}-{file_name(name)}.npz"


def _scores(content: bytes) -> dict[Cell, Score]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > MOST_BYTES:
        raise ValueError(f"it would unpack to {unpacked} bytes")
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        cells = [Cell(method, interval) for method, interval in json.loads(str(stored["cells"]))]
        if "confusion_by_distance" in stored:
            ends = np.cumsum([cell.interval for cell in cells])
            confusions = np.split(stored["confusion_by_distance"], ends[:-1])
        else:
            confusions = stored["confusion"]
        temporal = stored["temporal"] if "temporal" in stored else [None] * len(cells)
        source = str(stored["flow_source"]) if "temporal" in stored else None
        scores = zip(confusions, stored["consistency"], stored["frames"], temporal, strict=True)
        return {
            cell: _checked(Score(confusion, sums, int(frames), pairs, source), cell)
            for cell, (confusion, sums, frames, pairs) in zip(cells, scores, strict=True)
        }
