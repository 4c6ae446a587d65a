"""A row of a run's table, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bench.methods.names import UNTRAINED

Row = Mapping[str, Any]
"""A row of `bench.runs.read.read_run` or of `read_latency`, by column."""


def rows_of(table: pd.DataFrame) -> list[Row]:
    """The rows of a table."""
    return [{str(field): value for field, value in row.items()} for row in table.to_dict("records")]


def is_there(row: Row, field: str) -> bool:
    """Whether the row has a value in this field."""
    value = row.get(field)
    return value is not None and not pd.isna(value)


def is_untrained(row: Row) -> bool:
    """Whether any weight of the method is random, so that its accuracy says nothing."""
    return is_there(row, "weights") and UNTRAINED in str(row["weights"])
