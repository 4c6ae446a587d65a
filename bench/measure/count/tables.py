"""Tables of costs: of any methods, and of the paper's cells beside the printed figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.evaluate.schedule import FixedInterval
from bench.measure.count.cost import Cost, method_cost
from bench.methods.names import METHODS, branches, method_of
from bench.runs.results import write_json
from bench.runs.schema import COUNTED_SCHEMA
from mpvss.errors import UserError

PUBLISHED_TABLES = Path(__file__).parents[3] / "results" / "published" / "tables.csv"
GIGA, MEGA = 1e9, 1e6

PAPER_METHODS = {"Mask2Former": "per-frame", "MPVSS": "mpvss", "Mask2Former-DFF": "dff", "Mask2Former-Accel": "accel"}
PAPER_SETTINGS = {"1": ((480, 853), 124), "2": ((1024, 2048), 19)}
"""Frame size and class count of the paper's tables; interval 5 over 15 frames in both."""
TOLERANCE = {"GFLOPs": 0.01, "params_M": 0.005}
MISPRINTS = {
    ("MPVSS", "Swin-T", "params_M"): "misprint of 87.5: Mask2Former's 47.4 and the motion module's 40.1",
    ("MPVSS", "Swin-S", "params_M"): "misprint of 108.8: Mask2Former's 68.7 and the motion module's 40.1",
}
"""Printed figures that the paper's other figures contradict."""


@dataclass(frozen=True)
class PaperCell:
    """A printed figure, and the same counted here."""

    table: str
    method: str
    backbone: str
    quantity: str
    printed: float
    counted: float
    note: str = ""

    @property
    def deviation(self) -> float:
        """Of the count from the printed figure, as a fraction of that."""
        return self.counted / self.printed - 1

    @property
    def is_off(self) -> bool:
        """Whether the deviation is over the tolerance, and no misprint explains it."""
        return not self.note and abs(self.deviation) > TOLERANCE[self.quantity]


def print_costs(
    methods: Sequence[str] | None,
    backbones: Sequence[str],
    size: tuple[int, int],
    num_classes: int,
    interval: int,
    clip_length: int,
    json_file: Path | None,
) -> None:
    """Print one row for each method and backbone, and write the same to `json_file`."""
    FixedInterval(interval).count_keys(clip_length)
    rows = []
    for backbone in backbones:
        for method in methods or METHODS:
            of_frame, of_key = branches(method_of(method), backbone)
            row: dict[str, Any] = {"method": method, "backbone": backbone}
            for execution in ("paper", "lean"):
                cost = method_cost(
                    method_of(method),
                    backbone=of_frame,
                    key_backbone=of_key,
                    num_classes=num_classes,
                    size=size,
                    execution=execution,
                )
                row["parameters"] = cost.parameters
                row |= {f"{execution}_{name}": value for name, value in _macs(cost, interval, clip_length).items()}
            rows.append(row)
    print(f"{size[0]}x{size[1]}, {num_classes} classes; mean at interval {interval} over {clip_length} frames\n")
    print(_markdown(pd.DataFrame([_readable(row) for row in rows])))
    setting = {"height": size[0], "width": size[1], "num_classes": num_classes}
    _write(json_file, {**setting, "interval": interval, "clip_length": clip_length, "rows": rows})


def print_paper(json_file: Path | None) -> int:
    """Print every cell of Tables 1 and 2 that is built here; 1 if one is off, else 0."""
    cells = []
    for cell in paper_cells():
        flag = "OFF" if cell.is_off else cell.note or "ok"
        print(
            f"Table {cell.table}  {cell.method:18} {cell.backbone:14} {cell.quantity:9}"
            f"{cell.printed:9.1f} printed {cell.counted:9.2f} counted {cell.deviation:+8.2%}  {flag}",
            flush=True,
        )
        cells.append(cell)
    off = sum(cell.is_off for cell in cells)
    limits = ", ".join(f"{quantity} {limit:.1%}" for quantity, limit in TOLERANCE.items())
    print(f"\n{len(cells)} cells, {off} off by more than the tolerance ({limits})")
    _write(json_file, {"tolerance": TOLERANCE, "cells": [{**asdict(c), "deviation": c.deviation} for c in cells]})
    return 1 if off else 0


def paper_cells(tables: Path = PUBLISHED_TABLES) -> Iterator[PaperCell]:
    """The paper's cells one after the other, each counted on the published graph."""
    if not tables.is_file():
        raise UserError(f"{tables} is missing: the published tables come with the project's source, not its package")
    published = pd.read_csv(tables, dtype={"table": str})
    wanted = published[
        published.table.isin(PAPER_SETTINGS) & published.method.isin(PAPER_METHODS) & published.metric.isin(TOLERANCE)
    ]
    for key, rows in wanted.groupby(["table", "method", "backbone"], sort=False):
        table, method, backbone = map(str, key)
        size, num_classes = PAPER_SETTINGS[table]
        name = PAPER_METHODS[method]
        of_frame, of_key = branches(name, backbone.lower())
        cost = method_cost(
            name, backbone=of_frame, key_backbone=of_key, num_classes=num_classes, size=size, execution="paper"
        )
        counted = {"GFLOPs": cost.mean_macs(5) / GIGA, "params_M": cost.parameters / MEGA}
        for quantity, printed in zip(rows.metric, rows.value, strict=True):
            note = MISPRINTS.get((method, backbone, quantity), "")
            yield PaperCell(table, method, backbone, quantity, float(printed), counted[quantity], note)


def _macs(cost: Cost, interval: int, clip_length: int) -> dict[str, float]:
    mean = cost.mean_macs(interval, clip_length)
    return {"key_macs": cost.key_macs, "non_key_macs": cost.non_key_macs, "mean_macs": mean}


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    readable = {"method": row["method"], "backbone": row["backbone"], "params (M)": f"{row['parameters'] / MEGA:.2f}"}
    for execution in ("paper", "lean"):
        for kind in ("key", "non_key", "mean"):
            readable[f"{execution}: {kind.replace('_', '-')} (GMACs)"] = f"{row[f'{execution}_{kind}_macs'] / GIGA:.2f}"
    return readable


def _markdown(table: pd.DataFrame) -> str:
    return table.to_markdown(index=False, disable_numparse=True, colalign=["left", "left"] + ["right"] * 7)


def _write(file: Path | None, content: dict[str, Any]) -> None:
    if file is not None:
        write_json(file, {"schema": COUNTED_SCHEMA, **content})
        print(f"written: {file}")
