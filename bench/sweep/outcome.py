"""What a command that measures cells leaves: a run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.runs.read import read_run
from bench.runs.records.cell import CellKey


@dataclass(frozen=True)
class Outcome:
    """A run's folder when its cells are measured, and those that failed."""

    path: Path
    failed: tuple[CellKey, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row a cell; see `bench.runs.read_run`."""
        return read_run(self.path)

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the table, in its order."""
        return [{str(name): value for name, value in row.items()} for row in self.table.to_dict("records")]
