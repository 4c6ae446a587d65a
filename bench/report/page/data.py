"""What the page's program works on: the configurations, and how each method is drawn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bench.plotting import COLOURS
from bench.report.figures.tradeoff import costs_of
from bench.report.rows import Row, is_there, is_untrained
from bench.report.study import Study

# Without the dark grey, which cannot be seen on a dark page.
PAGE_COLOURS = tuple(colour for colour in COLOURS if colour != "#333333")
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
KEY_TIME = "ms a key frame"


def page_costs(cell: Row) -> dict[str, float]:
    """What a frame costs, by name; the time of a key frame is that of the slowest frames."""
    costs = costs_of(cell)
    if is_there(cell, "p50_key_ms"):
        costs[KEY_TIME] = float(cell["p50_key_ms"])
    return costs


def cost_names(study: Study) -> list[str]:
    """The costs that any configuration has."""
    return list(dict.fromkeys(name for run in study.runs for cell in run.cells for name in page_costs(cell)))


def page_data(study: Study) -> dict[str, Any]:
    """The good cells of all runs in %, GMACs, ms and J, and the mark of each method."""
    cells = [_configuration(cell) for run in study.runs for cell in run.cells if cell["status"] == "ok"]
    return {"cells": cells, "costs": cost_names(study), "marks": _marks([cell["method"] for cell in cells])}


def as_json(value: object) -> str:
    """JSON that may stand inside a `script` element."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _configuration(cell: Row) -> dict[str, Any]:
    return {
        "run": cell["run"],
        "backbone": cell["backbone"],
        "method": cell["method"],
        "interval": int(cell["interval"]),
        "weights": cell["weights"] if is_there(cell, "weights") else "-",
        "untrained": is_untrained(cell),
        "miou": _percent(cell, "miou"),
        "low": _percent(cell, "miou_low"),
        "high": _percent(cell, "miou_high"),
        "costs": {name: float(f"{cost:.6g}") for name, cost in page_costs(cell).items()},
    }


def _percent(cell: Row, field: str) -> float | None:
    return round(100 * float(cell[field]), 4) if is_there(cell, field) else None


def _marks(methods: Sequence[str]) -> dict[str, dict[str, str]]:
    return {
        method: {
            "colour": PAGE_COLOURS[i % len(PAGE_COLOURS)],
            "shape": SHAPES[i % len(SHAPES)],
            "dashes": DASHES[i % len(DASHES)],
        }
        for i, method in enumerate(dict.fromkeys(methods))
    }
