"""A run's folder while it is being written: `run.json`, and a file a cell, each whole or not there."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import msgspec

from bench.runs.files import file_name, make_folder
from bench.runs.read import read_cell, read_run_record
from bench.runs.record_file import write_record
from bench.runs.records.cell import CellKey, CellRecord
from bench.runs.records.run import Asked, Configuration, RunRecord, Start
from mpvss.errors import UserError


class Run:
    """A folder of results that is being written."""

    def __init__(self, path: Path, about: RunRecord) -> None:
        self.path = path
        self.about = about

    @property
    def start(self) -> int:
        """Index of this start among the starts of the run."""
        return len(self.about.starts) - 1

    def load(self, key: CellKey) -> CellRecord | None:
        """The cell's record, or None where it has not been written; also from a file by its older name."""
        for name in (key.file_name, key.older_file_name):
            file = self.path / "cells" / name
            if file.exists():
                return read_cell(file, self.about)
        return None

    def save(self, record: CellRecord) -> None:
        """Write a cell as of this start, in one step; it takes the place of a file by its older name."""
        file, older = (self.path / "cells" / name for name in (record.key.file_name, record.key.older_file_name))
        write_record(file, msgspec.structs.replace(record, start=self.start))
        if older != file:
            older.unlink(missing_ok=True)

    def partial(self, backbone: str) -> Path:
        """The folder of a backbone's unfinished work."""
        return self.path / "partial" / file_name(backbone)

    def drop_partial(self, backbone: str) -> None:
        """Remove a backbone's unfinished work; what does not lie inside the run's folder is left alone."""
        folder = self.partial(backbone).resolve()
        if self.path.resolve() in folder.parents:
            shutil.rmtree(folder, ignore_errors=True)


def open_run(path: Path, configuration: Configuration, asked: Asked, start: Start) -> Run:
    """Make a run's folder, or open the one that is there; its cells are kept, and what is asked for may grow.

    Args:
        path: the folder; made where it is missing.
        configuration: everything that changes what a cell means.
        asked: methods, backbones and intervals; added to those already asked for.
        start: this start's command and environment.

    Raises:
        UserError: the folder holds a run of another configuration, or something else, or cannot be written.
    """
    file = path / "run.json"
    starts = [start]
    if file.exists():
        known = read_run_record(path)
        _check_same(path, known.configuration, configuration)
        asked, starts = known.asked.and_also(asked), [*known.starts, start]
    elif path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} exists and is not a results folder (it has no run.json); choose another")
    make_folder(path / "cells")
    record = RunRecord(
        configuration=configuration, configuration_sha256=_digest(configuration), asked=asked, starts=starts
    )
    write_record(file, record)
    return Run(path, record)


def _digest(configuration: Configuration) -> str:
    return hashlib.sha256(json.dumps(msgspec.to_builtins(configuration), sort_keys=True).encode()).hexdigest()[:16]


def _check_same(path: Path, there: Configuration, here: Configuration) -> None:
    differing = differences(there, here)
    if differing:
        listed = "; ".join(f"{name}: {was!r} there, {now!r} now" for name, (was, now) in differing.items())
        raise UserError(
            f"{path} holds a run of another configuration ({listed}); "
            "give another folder, or the same configuration to resume it"
        )


def differences(one: Configuration, other: Configuration) -> dict[str, tuple[object, object]]:
    """The fields in which two configurations differ, with both values."""
    pairs = {name: (getattr(one, name), getattr(other, name)) for name in sorted(one.__struct_fields__)}
    return {name: (was, now) for name, (was, now) in pairs.items() if was != now}
