"""A card's folder: `card.json`, and a file a cell, each whole or not there."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.runs.files import make_folder, remove_unfinished
from bench.runs.lease import Lease, take_lease
from bench.runs.record_file import read_record, write_record
from bench.runs.records.card import CARD_PARTS, CardCell, CardConfiguration, CardPart, CardRecord, cell_file
from bench.runs.records.run import Start
from mpvss.errors import UserError

FILE = "card.json"


@dataclass(frozen=True)
class MeasuredCard:
    """What a card's folder holds.

    Attributes:
        name: of the device.
        about: its `card.json`.
        cells: in the order of their parts, and by name within one; those that failed are among them.

    """

    name: str
    about: CardRecord
    cells: tuple[CardCell, ...]

    def good(self, part: str) -> list[CardCell]:
        """The cells of a part that did not fail."""
        return [cell for cell in self.cells if cell.part == part and cell.error is None]


class CardFolder:
    """A card's folder that is being written, by no other process as long as this object is there."""

    def __init__(self, path: Path, about: CardRecord, lease: Lease) -> None:
        self.path = path
        self.about = about
        self._lease = lease

    def load(self, part: CardPart, name: str) -> CardCell | None:
        """What was written of a cell before, or None."""
        file = self.path / "cells" / cell_file(part, name)
        return read_record(file, CardCell) if file.exists() else None

    def save(self, cell: CardCell) -> None:
        """Write a cell in one step.

        Raises:
            UserError: it cannot be written, or another process writes in the folder by now.
        """
        self._lease.check()
        write_record(self.path / "cells" / cell.file_name, cell)

    @property
    def start(self) -> int:
        """Index of this start among those of the folder."""
        return len(self.about.starts) - 1


def open_card_folder(path: Path, configuration: CardConfiguration, start: Start) -> CardFolder:
    """Make a card's folder, or open the one that is there, whose cells are kept.

    Raises:
        UserError: the folder holds another card or configuration, or something else, cannot be written, or is being
            written by another process.
    """
    is_there = (path / FILE).exists()
    if not is_there and path.exists() and not (path.is_dir() and _is_empty(path)):
        raise UserError(f"{path} exists and is not a card's folder (it has no {FILE}); choose another")
    make_folder(path / "cells")
    lease = take_lease(path)
    starts = [start]
    if is_there:
        known = read_record(path / FILE, CardRecord)
        _check_same(path, known.configuration, configuration)
        starts = [*known.starts, start]
    _drop_unfinished(path)
    about = CardRecord(configuration=configuration, starts=starts)
    write_record(path / FILE, about)
    return CardFolder(path, about, lease)


def read_card(path: Path) -> MeasuredCard:
    """A card's folder.

    Raises:
        UserError: it has no `card.json`, or a file in it is damaged.
    """
    if not (path / FILE).is_file():
        raise UserError(f"{path} is not a card's folder: it has no {FILE}")
    about = read_record(path / FILE, CardRecord)
    cells = [read_record(file, CardCell) for file in sorted((path / "cells").glob("*.json"))]
    cells.sort(key=lambda cell: CARD_PARTS.index(cell.part))
    return MeasuredCard(about.configuration.device, about, tuple(cells))


def _check_same(path: Path, there: CardConfiguration, here: CardConfiguration) -> None:
    differing = [
        f"{name}: {was!r} there, {now!r} now"
        for name in there.__struct_fields__
        if (was := getattr(there, name)) != (now := getattr(here, name))
    ]
    if differing:
        raise UserError(
            f"{path} holds another card or configuration ({'; '.join(differing)}); give another folder, or the same "
            "configuration to resume it"
        )


def _is_empty(path: Path) -> bool:
    """Whether a folder holds no more than what is left of a start that was killed as it began."""
    return all(
        item.name.startswith(".") or (item.name == "cells" and item.is_dir() and not any(item.iterdir()))
        for item in path.iterdir()
    )


def _drop_unfinished(path: Path) -> None:
    """Remove what a killed start left half written: files, and the folder of a profile."""
    for folder in (path, path / "cells"):
        remove_unfinished(folder)
    for left in path.glob(".profile-*"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
