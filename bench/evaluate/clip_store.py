"""Scores of finished clips, kept on disk clip by clip."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.evaluate.lockstep import Cell
from bench.evaluate.scores import Score
from bench.runs.clip_counts import MOST_BYTES
from bench.runs.files import file_name, make_folder, read_bytes, write_atomically


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
        scores = zip(confusions, stored["consistency"], stored["frames"], strict=True)
        return {
            cell: Score(confusion, sums, int(frames))
            for cell, (confusion, sums, frames) in zip(cells, scores, strict=True)
        }
