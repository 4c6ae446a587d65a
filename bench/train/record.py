"""What a training run leaves beside its weights: `history.csv`, and `training.json`, how the weights came about.

`training.json` holds

`command`, `commit`, `environment`
    of the last start; `environment` as `bench.measure.environment` describes it.
`earlier`
    The same three of the starts that this one goes on from, each with `steps_done`, the steps behind it when it ended.
`seed`, `configuration`
    The configuration whole, presets and changes worked in.
`data`
    The identities of the training and validation data.
`start`
    The SHA-256 of each checkpoint that the run started from.
`steps_done`, `finished`
    How far the run is. Only of a finished one is there a `model.safetensors`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch

from bench.measure.environment import describe_environment
from bench.runs.results import write_atomically, write_json
from bench.train.configuration import TrainConfig
from mpvss.training.loop import Row

RECORD, HISTORY = "training.json", "history.csv"
_OF_A_START = ("command", "commit", "environment")


class TrainingRecord:
    """The two files of a run in `folder`, each written whole or not at all."""

    def __init__(self, folder: Path, config: TrainConfig, data: Mapping[str, str], device: torch.device) -> None:
        self._folder = folder
        environment = describe_environment(device)
        files = (*config.model.start, *filter(None, [config.model.key_start]))
        self._content: dict[str, Any] = {
            "command": shlex.join(["mpvss-bench", *sys.argv[1:]]),
            "commit": environment["commit"],
            "environment": environment,
            "earlier": [],
            "seed": config.training.seed,
            "configuration": msgspec.to_builtins(config),
            "data": dict(data),
            "start": {file: hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files},
        }

    def begin(self, steps_done: int) -> None:
        """Write the record of a run with so many steps behind it, and add the starts that made them.

        A run that had ended keeps its record.
        """
        path = self._folder / RECORD
        if steps_done and path.is_file():
            before = json.loads(path.read_text())
            if before["finished"]:
                self._content = before
                return
            last = {name: before[name] for name in _OF_A_START}
            self._content["earlier"] = [*before["earlier"], {**last, "steps_done": steps_done}]
        self._write(steps_done, finished=False)

    def keep(self, history: Sequence[Row]) -> None:
        """Write the history so far, and how far the run is."""
        write_history(self._folder / HISTORY, history)
        self._write(int(history[-1]["step"]), finished=False)

    def finish(self, steps_done: int) -> None:
        """Write that the run has ended, and its weights are there."""
        self._write(steps_done, finished=True)

    def _write(self, steps_done: int, *, finished: bool) -> None:
        write_json(self._folder / RECORD, {**self._content, "steps_done": steps_done, "finished": finished})


def write_history(path: Path, history: Sequence[Row]) -> None:
    """The run's history as CSV; empty where nothing was validated at a line."""
    columns = list(dict.fromkeys(name for row in history for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "step": int(row["step"])} for row in history)
    write_atomically(path, text.getvalue().encode())
