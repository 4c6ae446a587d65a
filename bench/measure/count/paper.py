"""The paper's cells of cost, each counted on the published graph beside the printed figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.measure.count.cost_of_method import method_cost
from bench.measure.count.table import GIGA, MEGA
from bench.methods.names import PAPER_METHODS, branches
from mpvss.errors import UserError

PUBLISHED_TABLES = Path(__file__).parents[3] / "results" / "published" / "tables.csv"

PAPER_SETTINGS = {"1": ((480, 853), 124), "2": ((1024, 2048), 19)}
"""Frame size and class count of the paper's tables; interval 5 over 15 frames in both."""
PAPER_INTERVAL, PAPER_CLIP_LENGTH = 5, 15
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
        """Deviation of the count from the printed figure, as a fraction of that."""
        return self.counted / self.printed - 1

    @property
    def is_off(self) -> bool:
        """Whether the deviation is over the tolerance, and no misprint explains it."""
        return not self.note and abs(self.deviation) > TOLERANCE[self.quantity]


def paper_costs() -> list[PaperCell]:
    """Every cell of the paper's Tables 1 and 2 that is built here: GMACs and parameters."""
    return list(paper_cells())


def paper_cells(tables: Path = PUBLISHED_TABLES) -> Iterator[PaperCell]:
    """The paper's cells one after the other, as they are counted.

    Raises:
        UserError: the file of published figures is missing.
    """
    published = published_figures(tables)
    wanted = published[published.method.isin(PAPER_METHODS) & published.metric.isin(TOLERANCE)]
    for key, rows in wanted.groupby(["table", "method", "backbone"], sort=False):
        table, method, backbone = map(str, key)
        size, num_classes = PAPER_SETTINGS[table]
        name = PAPER_METHODS[method]
        of_frame, of_key = branches(name, backbone.lower())
        cost = method_cost(
            name, backbone=of_frame, key_backbone=of_key, num_classes=num_classes, size=size, execution="paper"
        )
        mean = cost.mean_macs(PAPER_INTERVAL, PAPER_CLIP_LENGTH)
        counted = {"GFLOPs": mean / GIGA, "params_M": cost.parameters / MEGA}
        for quantity, printed in zip(rows.metric, rows.value, strict=True):
            note = MISPRINTS.get((method, backbone, quantity), "")
            yield PaperCell(table, method, backbone, quantity, float(printed), counted[quantity], note)


def published_figures(tables: Path = PUBLISHED_TABLES) -> pd.DataFrame:
    """The figures printed in Tables 1 and 2: columns table, dataset, method, backbone, metric, value."""
    if not tables.is_file():
        raise UserError(f"{tables} is missing: the published tables come with the project's source, not its package")
    published = pd.read_csv(tables, dtype={"table": str})
    return published[published.table.isin(PAPER_SETTINGS)]
