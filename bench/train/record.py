"""What a training run leaves beside its weights: `training.json`, how they were made, and `history.csv`.

The fields of `training.json` are those of `bench.runs.records.training`. Only a finished run has a `model.safetensors`.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import torch
from msgspec import structs

from bench.measure.environment import describe_environment
from bench.runs.files import write_text
from bench.runs.record_file import read_record, write_record
from bench.runs.records.training import EarlierStart, TrainingRecord, TrainingTables
from bench.train.configuration import TrainConfig, checkpoint_file
from mpvss.training.loop import Row

RECORD, HISTORY = "training.json", "history.csv"


class TrainingFiles:
    """The two files of a run in `folder`, each written whole or not at all."""

    def __init__(
        self, folder: Path, config: TrainConfig, data: Mapping[str, str], device: torch.device, command: str
    ) -> None:
        self._folder = folder
        environment = describe_environment(device)
        self._record = TrainingRecord(
            command=command,
            commit=environment.commit,
            environment=environment,
            earlier=[],
            seed=config.training.seed,
            configuration=msgspec.convert(msgspec.to_builtins(config), TrainingTables),
            data=dict(data),
            start={
                name: hashlib.sha256(checkpoint_file(name).read_bytes()).hexdigest()
                for name in config.model.checkpoints
            },
            steps_done=0,
            finished=False,
        )

    def begin(self, steps_done: int) -> None:
        """Write the record of a run with so many steps behind it, and add the starts that made them.

        A run that had ended keeps its record.
        """
        path = self._folder / RECORD
        if steps_done and path.is_file():
            before = read_record(path, TrainingRecord)
            if before.finished:
                self._record = before
                return
            last = EarlierStart(
                command=before.command, commit=before.commit, environment=before.environment, steps_done=steps_done
            )
            self._record = structs.replace(self._record, earlier=[*before.earlier, last])
        self._write(steps_done, finished=False)

    def keep(self, history: Sequence[Row]) -> None:
        """Write the history so far, and how far the run is."""
        write_history(self._folder / HISTORY, history)
        self._write(int(history[-1]["step"]), finished=False)

    def finish(self, steps_done: int) -> None:
        """Write that the run has ended, and its weights are there."""
        self._write(steps_done, finished=True)

    def _write(self, steps_done: int, *, finished: bool) -> None:
        self._record = structs.replace(self._record, steps_done=steps_done, finished=finished)
        write_record(self._folder / RECORD, self._record)


def write_history(path: Path, history: Sequence[Row]) -> None:
    """The run's history as CSV; empty where nothing was validated at a line."""
    columns = list(dict.fromkeys(name for row in history for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "step": int(row["step"])} for row in history)
    write_text(path, text.getvalue())
