"""A folder of a head file and a file a cell, each whole or not there: of `card`, `stream` and `schedules`."""

from __future__ import annotations

from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from bench.runs.files import make_folder, remove_unfinished
from bench.runs.lease import Lease, take_lease
from bench.runs.record_file import read_record, write_record
from bench.runs.records.base import Part
from bench.runs.records.folder import HeadRecord, NamedCell
from mpvss.errors import UserError

Cell = TypeVar("Cell", bound=NamedCell)
Head = TypeVar("Head", bound=HeadRecord)
CELLS = "cells"


class CellFolder(Generic[Cell]):
    """A folder that is being written, by no other process as long as this object is there."""

    def __init__(self, path: Path, kind: type[Cell], lease: Lease, start: int) -> None:
        self.path = path
        self.start = start
        self._kind = kind
        self._lease = lease

    def load(self, name: str) -> Cell | None:
        """The cell of that file name, or None where it has not been written."""
        file = self.path / CELLS / name
        return read_record(file, self._kind) if file.exists() else None

    def save(self, cell: Cell) -> None:
        """Write a cell in one step.

        Raises:
            UserError: it cannot be written, or another process writes in the folder by now.
        """
        self._lease.check()
        write_record(self.path / CELLS / cell.file_name, cell)


def open_cell_folder(path: Path, head: str, about: HeadRecord, kind: type[Cell]) -> CellFolder[Cell]:
    """Make a folder, or open the one that is there, whose cells are kept.

    Args:
        path: the folder.
        head: the name of its head file.
        about: the head, with this start alone.
        kind: of its cells.

    Raises:
        UserError: the folder holds cells of another configuration, or something else, cannot be written, or is being
            written by another process.
    """
    is_there = (path / head).exists()
    if not is_there and path.exists() and not (path.is_dir() and _is_empty(path)):
        raise UserError(f"{path} exists and is not a folder of this command (it has no {head}); choose another")
    make_folder(path / CELLS)
    lease = take_lease(path)
    if is_there:
        known = read_record(path / head, type(about))
        _check_same(path, known.common, about.common)
        about = msgspec.structs.replace(about, starts=[*known.starts, *about.starts])
    for folder in (path, path / CELLS, *path.glob("partial/*")):
        remove_unfinished(folder)
    write_record(path / head, about)
    return CellFolder(path, kind, lease, len(about.starts) - 1)


def read_cell_folder(path: Path, head: str, about: type[Head], kind: type[Cell]) -> tuple[Head, tuple[Cell, ...]]:
    """The head and the cells of a folder, in the order of their files' names.

    Raises:
        UserError: it has no head file, or a file in it is damaged.
    """
    if not (path / head).is_file():
        raise UserError(f"{path} has no {head}")
    cells = tuple(read_record(file, kind) for file in sorted((path / CELLS).glob("*.json")))
    return read_record(path / head, about), cells


def _check_same(path: Path, there: Part, here: Part) -> None:
    differing = [
        f"{name}: {was!r} there, {now!r} now"
        for name in there.__struct_fields__
        if (was := getattr(there, name)) != (now := getattr(here, name))
    ]
    if differing:
        raise UserError(
            f"{path} holds cells of another configuration ({'; '.join(differing)}); give another folder, or the same "
            "configuration to resume it"
        )


def _is_empty(path: Path) -> bool:
    """Whether a folder holds no more than what is left of a start that was killed as it began."""
    return all(
        item.name.startswith(".") or (item.name == CELLS and item.is_dir() and not any(item.iterdir()))
        for item in path.iterdir()
    )
