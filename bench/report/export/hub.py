"""Model cards with results: the `model-index` that model hubs read, and a Markdown table for a README."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import yaml

from bench.report.export.figures import TIMES, Cell
from bench.report.tables.tables import FURTHER, MAIN, MISSING, Column, markdown
from bench.runs.files import file_name
from mpvss.errors import UserError

TASK = {"type": "image-segmentation", "name": "Video semantic segmentation"}
"""Hubs have no task for video segmentation; this is the nearest of theirs."""
TYPES = {"miou": "mean_iou", "wiou": "weighted_iou", "mean_macs": "gmacs", "fps_labels": "fps"}
"""What the metrics are called where their names are not those of the fields."""
DATA_NAMES = {
    **{"camvid": "CamVid", "cityscapes": "Cityscapes", "vspw": "VSPW"},
    **{"synthetic": "Rendered streets and rooms", "generated": "Generated shapes"},
}
SOURCE = "mpvss-bench report"
README = "results.md"


def cards(cells: Sequence[Cell], source: str | None = None) -> dict[str, str]:
    """A card for each backbone and method, and the table of all, by the names of their files.

    A card begins with its results as YAML: for each data set the metrics, whose names and `args` say the interval.

    Args:
        cells: what was measured.
        source: address of a page that shows the results; None: the cards name none.

    Raises:
        UserError: there is no cell; the source is no http address.
    """
    if not cells:
        raise UserError("there is nothing to export: the runs have no cell with a figure")
    if source is not None and not re.fullmatch(r"https?://\S+", source):
        raise UserError(f"the source is {source!r}; give the address of a page, http://... or https://...")
    found = {README: _table(cells)}
    for (method, backbone), group in groupby(sorted(cells, key=_model), key=_model):
        own = list(group)
        index = {"model-index": [{"name": f"{method}-{backbone}", "results": list(_results(own, source))}]}
        head = yaml.safe_dump(index, sort_keys=False, allow_unicode=True, width=120)
        name = f"{file_name(backbone)}--{file_name(method)}.md"
        found[name] = f"---\n{head}---\n\n# {method}, {backbone}\n\n{_table(own)}"
    return found


def _model(cell: Cell) -> tuple[str, str]:
    return cell.method, cell.backbone


def _results(cells: Sequence[Cell], source: str | None) -> Iterator[dict[str, Any]]:
    for data, group in groupby(sorted(cells, key=lambda cell: cell.data), key=lambda cell: cell.data):
        metrics: dict[str, dict[str, Any]] = {}
        for cell in group:
            for column, value in cell.figures.items():
                metric = _metric(cell, column, value)
                metrics.setdefault(metric["name"], metric)  # of two runs on the same data, the first that has it
        result: dict[str, Any] = {"task": TASK.copy(), "dataset": _dataset(data), "metrics": list(metrics.values())}
        if source is not None:
            result["source"] = {"name": SOURCE, "url": source}
        yield result


def _dataset(data: str) -> dict[str, Any]:
    kind = re.split(r"[: ,]", data, maxsplit=1)[0]
    split = re.search(r"[:, ]split=([^, ]+)", data)
    named = {"name": DATA_NAMES.get(kind, kind), "type": kind, "split": split[1] if split else None}
    return {**{name: value for name, value in named.items() if value}, "args": {"data": data}}


def _metric(cell: Cell, column: Column, value: float) -> dict[str, Any]:
    machine = f" on {cell.machine}" if column.field.startswith(TIMES) else ""
    return {
        "type": TYPES.get(column.field, column.field),
        "name": f"{column.header}{machine}, interval {cell.interval}",
        "value": value,
        "args": {"interval": cell.interval},
    }


def _table(cells: Sequence[Cell]) -> str:
    columns = [column for column in (*MAIN, *FURTHER) if any(column in cell.figures for cell in cells)]
    heads = ["Method", "Backbone", "Interval", *(column.header for column in columns)]
    machines = any(cell.machine for cell in cells)
    rows = [
        [
            *(cell.method, cell.backbone, str(cell.interval)),
            *(f"{cell.figures[column]:.{column.digits}f}" if column in cell.figures else MISSING for column in columns),
            *([cell.machine or MISSING] if machines else []),
            cell.data,
        ]
        for cell in cells
    ]
    heads += ["Times on", "Data"] if machines else ["Data"]
    return markdown(heads, rows, left=("Method", "Backbone", "Times on", "Data")) + "\n"
