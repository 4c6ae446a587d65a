"""What the page's program works on: the configurations of each data set, and how each series is drawn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bench.report.choice import DataSet, Option
from bench.report.rows import Row, is_there, is_untrained

COLOURS = 10
"""Colours of series that the style has, for a light and for a dark page."""
SHAPES = (
    "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0",
    "M-4 -4h8v8h-8Z",
    "M0 -5L5 4H-5Z",
    "M0 -5.5L5.5 0L0 5.5L-5.5 0Z",
    "M0 5L5 -4H-5Z",
    "M-5 0H5M0 -5V5",
    "M-4 -4L4 4M-4 4L4 -4",
    "M-5 0L4 -5V5Z",
    "M5 0L-4 -5V5Z",
    "M0 -6L1.5 -2H5.5L2.2 .7L3.5 5L0 2.4L-3.5 5L-2.2 .7L-5.5 -2H-1.5Z",
    "M0 -5.5L5.2 -1.7L3.2 4.5H-3.2L-5.2 -1.7Z",
)
"""Outlines around the origin, in pixels."""
DASHES = ("", "7 2", "2 2", "8 2 2 2", "4 1 1 1")


def page_data(sets: Sequence[DataSet]) -> dict[str, Any]:
    """The configurations in %, GMACs, ms and J; the costs and the first accuracy of each data set; the marks."""
    cells = [_configuration(data, option) for data in sets for option in data.options]
    return {
        "cells": cells,
        "sets": {data.name: {"costs": data.costs, "floor": data.floor} for data in sets},
        "marks": _marks(list(dict.fromkeys(cell["series"] for cell in cells))),
    }


def as_json(value: object) -> str:
    """JSON that may stand inside a `script` element."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def series_of(data: DataSet, cell: Row) -> str:
    """The method, and its backbone where the data set has several."""
    several = len({option.cell["backbone"] for option in data.options}) > 1
    return f"{cell['method']}, {cell['backbone']}" if several else str(cell["method"])


def _configuration(data: DataSet, option: Option) -> dict[str, Any]:
    cell = option.cell
    return {
        "data": data.name,
        "run": cell["run"],
        "series": series_of(data, cell),
        "backbone": cell["backbone"],
        "method": cell["method"],
        "interval": int(cell["interval"]),
        "name": option.name,
        "weights": cell["weights"] if is_there(cell, "weights") else "-",
        "untrained": is_untrained(cell),
        "miou": _percent(cell, "miou"),
        "low": _percent(cell, "miou_low"),
        "high": _percent(cell, "miou_high"),
        "less": None if option.less is None else [round(value, 4) for value in option.less],
        "costs": option.costs,
    }


def _percent(cell: Row, field: str) -> float | None:
    return round(100 * float(cell[field]), 4) if is_there(cell, field) else None


def _marks(series: Sequence[str]) -> dict[str, dict[str, Any]]:
    return {
        name: {"colour": i % COLOURS, "shape": SHAPES[i % len(SHAPES)], "dashes": DASHES[i % len(DASHES)]}
        for i, name in enumerate(series)
    }
