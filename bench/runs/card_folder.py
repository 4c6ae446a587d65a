"""A card's folder: `card.json`, and a file a cell, each whole or not there."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.runs.cell_folder import CellFolder, open_cell_folder, read_cell_folder
from bench.runs.records.card import CARD_PARTS, CardCell, CardConfiguration, CardRecord
from bench.runs.records.run import Start

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


def open_card_folder(path: Path, configuration: CardConfiguration, start: Start) -> CellFolder[CardCell]:
    """Make a card's folder, or open the one that is there, whose cells are kept.

    Raises:
        UserError: the folder holds another card or configuration, or something else, cannot be written, or is being
            written by another process.
    """
    folder = open_cell_folder(path, FILE, CardRecord(configuration=configuration, starts=[start]), CardCell)
    _drop_unfinished_profiles(path)
    return folder


def read_card(path: Path) -> MeasuredCard:
    """A card's folder.

    Raises:
        UserError: it has no `card.json`, or a file in it is damaged.
    """
    about, cells = read_cell_folder(path, FILE, CardRecord, CardCell)
    in_order = sorted(cells, key=lambda cell: CARD_PARTS.index(cell.part))
    return MeasuredCard(about.configuration.device, about, tuple(in_order))


def _drop_unfinished_profiles(path: Path) -> None:
    """Remove the folder of a profile that a killed start left half written."""
    for left in path.glob(".profile-*"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
