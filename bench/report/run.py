"""One run of a study: its configuration, its rows, its times and what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from bench.methods.names import PER_FRAME, WITHOUT_KEY_FRAMES, method_of
from bench.report.rows import Row, is_there
from bench.runs.clip_counts import ClipCounts, contrast
from bench.runs.records.cell import CellKey
from bench.runs.records.run import RunRecord
from bench.runs.records.timing import CellTiming

Bounded = tuple[float, float, float]
"""A value and its bounds."""
LEAST_CLIPS = 5
"""With fewer clips, an interval over clips means nothing: there is none in a report."""
Timing = tuple[str, str]
"""What is timed by itself: a backbone and a method."""


@dataclass(frozen=True)
class StudyRun:
    """One run.

    Attributes:
        name: of its folder.
        folder: the folder.
        about: its `run.json`.
        cells: the rows of `bench.runs.read.read_run`, without times that are no measurement; rows of a sweep have
            the times of the same artifact from a run that only timed, see `bench.report.speed.join`.
        samples: as `bench.runs.read.read_samples` gives them; those of measurements.
        latency: the rows of `bench.runs.read.read_latency`; those of measurements.
        counts: pixel counts clip by clip, of the cells that keep them.
        pictures: the PNG files under its `pictures/`.
        timings: of each backbone and method that was timed, the times at the largest interval.
        doubts: of each backbone and method whose times are no measurement, the reason.
        series: the rows of all runs of the study, so that a method looks the same in the figures of each.

    """

    name: str
    folder: Path
    about: RunRecord
    cells: list[Row]
    samples: pd.DataFrame
    latency: list[Row]
    counts: dict[CellKey, ClipCounts]
    pictures: tuple[Path, ...]
    timings: Mapping[Timing, CellTiming] = field(default_factory=dict)
    doubts: Mapping[Timing, str] = field(default_factory=dict)
    series: tuple[str, ...] = ()

    @property
    def backbones(self) -> list[str]:
        """In the order asked for."""
        return list(dict.fromkeys(cell["backbone"] for cell in self.cells))

    @property
    def rows(self) -> list[str]:
        """Every method and METHOD@LABEL, in the order asked for."""
        return list(dict.fromkeys(cell["method"] for cell in self.cells))

    @property
    def scored(self) -> bool:
        """Whether any cell has an accuracy."""
        return any(is_there(cell, "miou") for cell in self.cells)

    @cached_property
    def less_per_frame(self) -> dict[CellKey, Bounded]:
        """Points of mIoU that a cell has over per-frame of its backbone, with their paired 95 % interval.

        The interval is bootstrapped over the clips that both were scored on; without one, all three are the same.
        """
        found: dict[CellKey, Bounded] = {}
        for cell in self.cells:
            base = self.cell(cell["backbone"], PER_FRAME, 1)
            if base is not None and cell is not base and is_there(base, "miou") and is_there(cell, "miou"):
                difference = 100 * (float(cell["miou"]) - float(base["miou"]))
                counts = [self.counts_of(one) for one in (cell, base)]
                interval = None
                if counts[0] is not None and counts[1] is not None:
                    interval = contrast([(1.0, counts[0]), (-1.0, counts[1])], "miou")
                low, high = (difference,) * 2 if interval is None else (100 * interval.low, 100 * interval.high)
                found[self.key(cell)] = (difference, low, high)
        return found

    @property
    def clips_note(self) -> str:
        """Why there are no intervals over clips; empty where there are some."""
        if not self.scored or any(len(counts.names) >= LEAST_CLIPS for counts in self.counts.values()):
            return ""
        return f"There are no intervals: an interval over fewer than {LEAST_CLIPS} clips means nothing."

    @property
    def table(self) -> pd.DataFrame:
        """The cells as a table, a column a field."""
        return pd.DataFrame([{name: value for name, value in cell.items() if name != "timed"} for cell in self.cells])

    @property
    def times_note(self) -> str:
        """Whose the times in its rows are, and why its own are not shown; empty for a run of times alone."""
        notes = []
        if self.doubts:
            reasons = ", ".join(dict.fromkeys(self.doubts.values()))
            notes.append(f"{self.name}'s own times are no measurement ({reasons}) and are not shown.")
        pairs = dict.fromkeys((c["timed_in"], c["timed_on"]) for c in self.cells if is_there(c, "timed_in"))
        if pairs:
            whose = " and ".join(f"{run} ({machine})" for run, machine in pairs)
            notes.append(f"Times are of {whose}: the same weights, frame size, precision and graph.")
        return " ".join(notes)

    def methods(self, base: str) -> list[str]:
        """The rows of a method: its own name, and METHOD@LABEL."""
        return [name for name in self.rows if method_of(name) == base]

    def counts_of(self, cell: Row) -> ClipCounts | None:
        """The pixel counts of a cell clip by clip, for an interval; None where it has too few clips or no counts."""
        counts = self.counts.get(self.key(cell))
        return counts if counts is not None and len(counts.names) >= LEAST_CLIPS else None

    @staticmethod
    def key(cell: Row) -> CellKey:
        """What a cell is found by."""
        return CellKey(cell["backbone"], cell["method"], int(cell["interval"]))

    def cell(self, backbone: str, method: str, interval: int) -> Row | None:
        """A good cell, or None. A method to which an interval means nothing serves every interval."""
        of_method = [c for c in self.cells if (c["backbone"], c["method"]) == (backbone, method)]
        if {c["interval"] for c in of_method} == {1} and method_of(method) in WITHOUT_KEY_FRAMES:
            interval = 1
        return next((c for c in of_method if c["interval"] == interval and c["status"] == "ok"), None)
