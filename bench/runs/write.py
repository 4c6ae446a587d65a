"""A run's folder while it is being written: `run.json`, and a file a cell, each whole or not there."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.runs.files import file_name, make_folder, remove_unfinished
from bench.runs.kept_labels import LabelStore
from bench.runs.lease import NAME as LEASE
from bench.runs.lease import Lease, take_lease
from bench.runs.read import read_cell, read_run_record
from bench.runs.record_file import write_record
from bench.runs.records.cell import CellKey, CellRecord
from bench.runs.records.run import Asked, Configuration, RunRecord, Start
from mpvss.errors import UserError
from mpvss.files import UNFINISHED


class Run:
    """A folder of results that is being written, by no other process as long as this object is there."""

    def __init__(self, path: Path, about: RunRecord, lease: Lease) -> None:
        self.path = path
        self.about = about
        self._lease = lease

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
        """Write a cell as of this start, in one step; it takes the place of a file by its older name.

        Raises:
            UserError: it cannot be written, or another process writes in the folder by now.
        """
        self._lease.check()
        file, older = (self.path / "cells" / name for name in (record.key.file_name, record.key.older_file_name))
        write_record(file, msgspec.structs.replace(record, start=self.start))
        if older != file:
            older.unlink(missing_ok=True)

    def finish(self) -> None:
        """Note that this start came to its end: every cell that it was asked for is written."""
        self._lease.check()
        *earlier, last = self.about.starts
        self.about = msgspec.structs.replace(self.about, starts=[*earlier, msgspec.structs.replace(last, ended=True)])
        write_record(self.path / "run.json", self.about)

    def partial(self, backbone: str) -> Path:
        """The folder of a backbone's unfinished work."""
        return self.path / "partial" / file_name(backbone)

    def drop_partial(self, backbone: str) -> None:
        """Remove a backbone's unfinished work; what does not lie inside the run's folder is left alone."""
        folder = self.partial(backbone).resolve()
        if self.path.resolve() in folder.parents:
            shutil.rmtree(folder, ignore_errors=True)


def open_run(
    path: Path, configuration: Configuration, asked: Asked, start: Start, *, starts_of_parts: Sequence[Start] = ()
) -> Run:
    """Make a run's folder, or open the one that is there; its cells are kept, and what is asked for may grow.

    Args:
        path: the folder; made where it is missing.
        configuration: everything that changes what a cell means.
        asked: methods, backbones and intervals; added to those already asked for.
        start: this start's command and environment.
        starts_of_parts: of runs that this one is put together from.

    Raises:
        UserError: the folder holds a run of another configuration, or something else, cannot be written, or is being
            written by another process.
    """
    _check_ours(path)
    make_folder(path / "cells")
    lease = take_lease(path)
    return Run(path, _started(path, configuration, asked, start, starts_of_parts), lease)


def _started(
    path: Path, configuration: Configuration, asked: Asked, start: Start, starts_of_parts: Sequence[Start]
) -> RunRecord:
    """Write this start into the `run.json` of a folder that nobody else writes in."""
    for folder in (path, path / "cells", *path.glob("partial/*")):
        remove_unfinished(folder)
    LabelStore(path).remove_unfinished()
    earlier: list[Start] = []
    if (path / "run.json").exists():
        known = read_run_record(path)
        _check_same(path, known.configuration, configuration)
        asked, earlier = known.asked.and_also(asked), known.starts
    starts = [*earlier, *(other for other in starts_of_parts if other not in earlier), start]
    record = RunRecord(
        configuration=configuration, configuration_sha256=_digest(configuration), asked=asked, starts=starts
    )
    write_record(path / "run.json", record)
    return record


def _check_ours(path: Path) -> None:
    """Refuse a folder with something else in it. One of a run that was killed as it began has no `run.json` yet."""
    if not path.exists() or (path / "run.json").exists():
        return
    others = path.is_dir() and [
        item
        for item in path.iterdir()
        if not (item.name.startswith(".") and item.name.endswith(UNFINISHED))
        and not item.name.startswith(LEASE)
        and not (item.name == "cells" and item.is_dir() and not any(item.iterdir()))
    ]
    if not path.is_dir() or others:
        raise UserError(f"{path} exists and is not a results folder (it has no run.json); choose another")


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
