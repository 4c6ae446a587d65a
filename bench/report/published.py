"""The paper's figures, and what was measured of the same quantities."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench.methods.names import PAPER_METHODS
from bench.published import TABLES
from bench.report.rows import Row, is_there, is_untrained
from bench.report.study import Study, StudyRun
from bench.runs.records.cost import CountedFigure


class PaperFigure(NamedTuple):
    """What a printed number is of. `interval` is the key-frame interval where it is not the tables' own."""

    table: str
    method: str
    backbone: str
    metric: str
    interval: int | None = None


@dataclass(frozen=True)
class Measured:
    """A number that was measured here, in the paper's unit, and a remark on the printed one."""

    value: float
    note: str = ""


@dataclass(frozen=True)
class Metric:
    """A metric of the paper, and where cells have it.

    Attributes:
        title: with the unit.
        field: of a cell.
        factor: from the field's unit to the paper's.
        digits: that a measured value is shown with.
        higher: whether more is better.
        relative: whether a deviation is a share of the printed value, not a difference.

    """

    title: str
    field: str
    factor: float
    digits: int
    higher: bool
    relative: bool


METRICS = {
    "mIoU": Metric("mIoU (%)", "miou", 100, 1, higher=True, relative=False),
    "WIoU": Metric("WIoU (%)", "wiou", 100, 1, higher=True, relative=False),
    "mVC8": Metric("mVC8 (%)", "mvc8", 100, 1, higher=True, relative=False),
    "mVC16": Metric("mVC16 (%)", "mvc16", 100, 1, higher=True, relative=False),
    "GFLOPs": Metric("GMACs", "mean_macs", 1e-9, 1, higher=False, relative=True),
    "params_M": Metric("Params (M)", "parameters", 1e-6, 1, higher=False, relative=True),
    "FPS": Metric("FPS", "fps_labels", 1, 2, higher=True, relative=True),
}
ACCURACIES = ("mIoU", "WIoU", "mVC8", "mVC16")

INTERVAL = 5
"""Key-frame interval of the paper's tables."""
DATA = {"1": "vspw", "2": "cityscapes", "3a": "vspw", "3b": "vspw", "3c": "vspw"}
"""The data set of each table; `3c` is the figure of that name."""


def read_published(tables: Path = TABLES) -> dict[PaperFigure, float]:
    """The figures of the paper's tables, in its order."""
    with tables.open(newline="") as file:
        return {
            PaperFigure(row["table"], row["method"], row["backbone"], row["metric"]): float(row["value"])
            for row in csv.DictReader(file)
        }


class Measurements:
    """Measured values by what the paper calls them."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._counted = dict(_counted(study))

    def find(self, figure: PaperFigure) -> Measured | None:
        """What was measured of the same quantity on the same data; None where nothing was.

        MACs and parameters are those of the published graph. An accuracy comes from trained weights and the whole
        validation split.
        """
        if figure in self._counted:
            return self._counted[figure]
        for run in self._study.runs:
            cell = _cell_of(run, figure)
            metric = METRICS[figure.metric]
            if cell is None or not is_there(cell, metric.field) or not _counts(run, cell, figure.metric):
                continue
            return Measured(metric.factor * float(cell[metric.field]))
        return None


def _counted(study: Study) -> Iterator[tuple[PaperFigure, Measured]]:
    for cell in study.paper_costs:
        figure = PaperFigure(cell.table, cell.method, cell.backbone, cell.quantity)
        yield figure, Measured(cell.counted, _note(cell))
    # Table 3b prints the parameters of the flow alone: what a method has over Mask2Former, whatever the backbone.
    rows = [row for record in study.costs for row in record.rows or ()]
    alone = {row.backbone: row.parameters for row in rows if row.method == "per-frame"}
    for name, method in PAPER_METHODS.items():
        for row in rows:
            if row.method == method and row.backbone in PAPER_BACKBONES & alone.keys():
                value = (row.parameters - alone[row.backbone]) / 1e6
                yield PaperFigure("3b", name, "-", "params_M"), Measured(value)


def _note(cell: CountedFigure) -> str:
    """Why a printed figure differs from the count, where that is known."""
    if cell.status != "explained":
        return cell.note
    nearest = min(cell.others, key=lambda other: abs(other.deviation))
    return f"printed is {nearest.counted:.1f}: {nearest.what}"


PAPER_BACKBONES = frozenset({"r50", "r101", "swin-t", "swin-s", "swin-b", "swin-l"})


def _cell_of(run: StudyRun, figure: PaperFigure) -> Row | None:
    configuration = run.about.configuration
    whole = configuration.clips is None and configuration.frames is None
    if (
        figure.method not in PAPER_METHODS
        or not whole
        or not configuration.data.startswith(f"{DATA[figure.table]}:val ")
    ):
        return None
    method = PAPER_METHODS[figure.method]
    interval = 1 if method == "per-frame" else figure.interval or INTERVAL
    return run.cell(figure.backbone.lower(), method, interval)


def _counts(run: StudyRun, cell: Row, metric: str) -> bool:
    """Whether the cell's value stands for the paper's quantity."""
    if metric in ACCURACIES:
        return not is_untrained(cell)
    return metric != "GFLOPs" or run.about.configuration.execution == "paper"
