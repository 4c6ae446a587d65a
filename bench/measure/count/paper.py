"""Every cell of cost of the paper's Tables 1 and 2, counted on the published graph beside the printed figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from bench.measure.count.cost_of_method import method_cost
from bench.measure.count.rival_cells import RIVAL_CELLS, RivalCell
from bench.measure.count.table import GIGA, MEGA
from bench.methods.names import PAPER_METHODS, branches
from bench.published import TABLES

PAPER_SETTINGS = {"1": ((480, 853), 124), "2": ((1024, 2048), 19)}
"""Frame size and class count of the paper's tables; interval 5 over 15 frames in both."""
PAPER_INTERVAL, PAPER_CLIP_LENGTH = 5, 15
TOLERANCE = {"GFLOPs": 0.01, "params_M": 0.005}
HALF_DIGIT = 0.05
"""Half of the last digit that the tables print."""
UNITS = {"GFLOPs": GIGA, "params_M": MEGA}
OWN_ROWS = ("Mask2Former", "Mask2Former-DFF", "Mask2Former-Accel", "MPVSS")
"""Rows of the project's own methods; the others are of other publications."""
MISPRINTS = {
    ("MPVSS", "Swin-T", "params_M"): "misprint of 87.5: Mask2Former's 47.4 and the motion module's 40.1",
    ("MPVSS", "Swin-S", "params_M"): "misprint of 108.8: Mask2Former's 68.7 and the motion module's 40.1",
}
"""Printed figures that the paper's other figures contradict."""

Status = Literal["agrees", "explained", "misprint", "contradiction", "off"]


@dataclass(frozen=True)
class OtherCount:
    """The cell counted in another way: by another tool's rules, or of another configuration."""

    what: str
    counted: float
    deviation: float
    """From the printed figure, as a fraction of that."""


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
    """On a misprint, or a figure that nothing here gives."""
    what: str = ""
    """What was counted, of other publications' rows."""
    others: tuple[OtherCount, ...] = ()
    is_contradiction: bool = False
    """Whether the note says that the figure cannot be of what its row and caption say."""

    @property
    def deviation(self) -> float:
        """Deviation of the count from the printed figure, as a fraction of that."""
        return self.counted / self.printed - 1

    @property
    def status(self) -> Status:
        """What becomes of the figure.

        `agrees`: our count is within the tolerance, or rounds to the figure. `explained`: another tool or
        configuration gives it. `misprint` and `contradiction` are known ones. `off` is all else: a figure that
        nothing gives, and a known misprint or contradiction that our count now agrees with.
        """
        if self._agrees(self.counted):
            return "off" if self.note else "agrees"
        if self.note:
            return "contradiction" if self.is_contradiction else "misprint"
        return "explained" if any(self._agrees(other.counted) for other in self.others) else "off"

    @property
    def is_off(self) -> bool:
        """Whether the figure is a failure of the count."""
        return self.status == "off"

    def _agrees(self, counted: float) -> bool:
        deviation = abs(counted - self.printed)
        return deviation <= max(TOLERANCE[self.quantity] * self.printed, HALF_DIGIT)


def paper_costs() -> list[PaperCell]:
    """Every cell of the paper's Tables 1 and 2: GMACs and parameters."""
    return list(paper_cells())


def paper_cells(tables: Path = TABLES) -> Iterator[PaperCell]:
    """The paper's cells one after the other, as they are counted."""
    published = published_figures(tables)
    wanted = published[published.metric.isin(TOLERANCE)]
    for key, rows in wanted.groupby(["table", "method", "backbone"], sort=False):
        table, method, backbone = map(str, key)
        printed = {str(metric): float(value) for metric, value in zip(rows.metric, rows.value, strict=True)}
        if method in OWN_ROWS:
            yield from _own_row(table, method, backbone, printed)
        else:
            for quantity, value in printed.items():
                rule = RIVAL_CELLS[table, method, backbone, quantity]
                yield _rival_cell((table, method, backbone, quantity), value, rule)


def _own_row(table: str, method: str, backbone: str, printed: Mapping[str, float]) -> Iterator[PaperCell]:
    size, num_classes = PAPER_SETTINGS[table]
    name = PAPER_METHODS[method]
    of_frame, of_key = branches(name, backbone.lower())
    cost = method_cost(
        name, backbone=of_frame, key_backbone=of_key, num_classes=num_classes, size=size, execution="paper"
    )
    mean = cost.mean_macs(PAPER_INTERVAL, PAPER_CLIP_LENGTH)
    counted = {"GFLOPs": mean / GIGA, "params_M": cost.parameters / MEGA}
    for quantity, value in printed.items():
        note = MISPRINTS.get((method, backbone, quantity), "")
        yield PaperCell(table, method, backbone, quantity, value, counted[quantity], note)


def _rival_cell(key: tuple[str, str, str, str], printed: float, rule: RivalCell) -> PaperCell:
    unit = UNITS[key[-1]]
    others = tuple(
        OtherCount(way.what, counted, counted / printed - 1)
        for way, counted in ((way, way.count() / unit) for way in rule.others)
    )
    counted = rule.ours.count() / unit
    return PaperCell(
        *key, printed, counted, rule.contradiction, rule.ours.what, others, is_contradiction=bool(rule.contradiction)
    )


def published_figures(tables: Path = TABLES) -> pd.DataFrame:
    """The figures printed in Tables 1 and 2: columns table, dataset, method, backbone, metric, value."""
    published = pd.read_csv(tables, dtype={"table": str})
    return published[published.table.isin(PAPER_SETTINGS)]
