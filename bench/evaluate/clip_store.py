"""Scores of finished clips, kept on disk clip by clip."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.evaluate.lockstep import Cell
from bench.evaluate.scores import Score
from bench.runs.files import file_name, write_atomically
from mpvss.errors import UserError


class ClipStore:
    """The scores of finished clips in a folder, so that an interrupted sweep resumes at the next clip."""

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
