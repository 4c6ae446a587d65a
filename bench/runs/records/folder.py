"""What the records of a `bench.runs.cell_folder` share."""

from __future__ import annotations

from bench.runs.records.base import Part, Record
from bench.runs.records.run import Start


class HeadRecord(Record, kw_only=True, frozen=True):
    """What the cells of a folder have in common, and each start of the command that wrote them."""

    starts: list[Start]

    @property
    def common(self) -> Part:
        """Everything that changes what a cell means."""
        raise NotImplementedError


class NamedCell(Record, kw_only=True, frozen=True):
    """A cell that knows its file."""

    @property
    def file_name(self) -> str:
        """Its file in the folder of cells."""
        raise NotImplementedError
