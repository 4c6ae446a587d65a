"""The figures of a cell under clear names, for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.report.rows import Row, is_there, is_untrained
from bench.report.run import StudyRun
from bench.report.speed.doubts import only_timed
from bench.report.speed.join import machine_of
from bench.report.study import Study
from bench.report.tables.tables import FURTHER, MAIN, Column

ACCURACY = ("miou", "wiou", "mvc", "pixel_accuracy")
TIMES = ("fps_", "p50_")
"""How the fields begin of what depends on weights, and on a machine."""


@dataclass(frozen=True)
class Cell:
    """A good cell.

    Attributes:
        run: name of its run.
        data: the run's data set with its options.
        row: its row in the run's table.
        figures: the value of each column that it has, in the column's unit.
        machine: what its times are of; None where it has none.

    """

    run: str
    data: str
    row: Row
    figures: dict[Column, float]
    machine: str | None

    @property
    def backbone(self) -> str:
        """Its backbone."""
        return str(self.row["backbone"])

    @property
    def method(self) -> str:
        """METHOD or METHOD@LABEL."""
        return str(self.row["method"])

    @property
    def interval(self) -> int:
        """Its key-frame interval, in frames."""
        return int(self.row["interval"])


def cells_of(study: Study) -> Iterator[Cell]:
    """The good cells that have a figure.

    Accuracies of random weights are left out: they say nothing. So are times of a sweep, which are for orientation,
    unless the report took them from a run that only timed.
    """
    for run in study.runs:
        for row in run.cells:
            if row["status"] != "ok":
                continue
            machine = _machine(run, row)
            figures = {
                column: float(f"{float(row[column.field]) * column.factor:.6g}")
                for column in (*MAIN, *FURTHER)
                if is_there(row, column.field)
                and not (is_untrained(row) and column.field.startswith(ACCURACY))
                and not (machine is None and column.field.startswith(TIMES))
            }
            if figures:
                yield Cell(run.name, run.about.configuration.data, row, figures, machine)


def _machine(run: StudyRun, row: Row) -> str | None:
    if is_there(row, "timed_on"):
        return str(row["timed_on"])
    about = run.about
    return machine_of(about.starts[-1].environment) if only_timed(about.configuration) else None
