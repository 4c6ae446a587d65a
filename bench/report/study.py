"""What a report is made from, read from its files: runs and their pictures, counted costs, times beside the peer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from bench.methods.names import WITHOUT_KEY_FRAMES, method_of
from bench.report.quantiles import with_quantiles
from bench.report.rows import Row, is_there, rows_of
from bench.runs.card_folder import FILE as CARD
from bench.runs.card_folder import MeasuredCard, read_card
from bench.runs.clip_counts import ClipCounts
from bench.runs.read import read_clip_counts, read_latency, read_run, read_run_record, read_samples
from bench.runs.record_file import read_record
from bench.runs.records.cell import CellKey
from bench.runs.records.cost import CostRecord, CountedFigure
from bench.runs.records.peer import PeerRecord
from bench.runs.records.predict import PredictRecord
from bench.runs.records.run import RunRecord
from mpvss.errors import UserError


@dataclass(frozen=True)
class StudyRun:
    """One run.

    Attributes:
        name: of its folder.
        folder: the folder.
        about: its `run.json`.
        table: as `bench.runs.read.read_run` gives it; `cells` are its rows.
        samples: as `bench.runs.read.read_samples` gives them.
        latency: the rows of `bench.runs.read.read_latency`.
        counts: pixel counts clip by clip, of the cells that keep them.
        pictures: the PNG files under its `pictures/`.
        series: the rows of all runs of the study, so that a method looks the same in the figures of each.

    """

    name: str
    folder: Path
    about: RunRecord
    table: pd.DataFrame
    cells: list[Row]
    samples: pd.DataFrame
    latency: list[Row]
    counts: dict[CellKey, ClipCounts]
    pictures: tuple[Path, ...]
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

    def methods(self, base: str) -> list[str]:
        """The rows of a method: its own name, and METHOD@LABEL."""
        return [name for name in self.rows if method_of(name) == base]

    def counts_of(self, cell: Row) -> ClipCounts | None:
        """The pixel counts of a cell clip by clip; None where it does not keep them."""
        return self.counts.get(CellKey(cell["backbone"], cell["method"], int(cell["interval"])))

    def cell(self, backbone: str, method: str, interval: int) -> Row | None:
        """A good cell, or None. A method to which an interval means nothing serves every interval."""
        of_method = [c for c in self.cells if (c["backbone"], c["method"]) == (backbone, method)]
        if {c["interval"] for c in of_method} == {1} and method_of(method) in WITHOUT_KEY_FRAMES:
            interval = 1
        return next((c for c in of_method if c["interval"] == interval and c["status"] == "ok"), None)


@dataclass(frozen=True)
class Study:
    """Everything that one report is about.

    Attributes:
        runs: in the order given.
        costs: counted costs, one entry a file.
        peers: speed beside the peer, one entry a file.
        predictions: predicted times beside measured ones, one entry a file.
        cards: what `mpvss-bench card` measured, one entry a card.

    """

    runs: tuple[StudyRun, ...]
    costs: tuple[CostRecord, ...]
    peers: tuple[PeerRecord, ...]
    predictions: tuple[PredictRecord, ...] = ()
    cards: tuple[MeasuredCard, ...] = ()

    @property
    def paper_costs(self) -> list[CountedFigure]:
        """The paper's figures that were counted."""
        return [figure for record in self.costs for figure in record.cells or ()]


BESIDE_RUNS = ("cost", "peer", "predict")
"""How the names of files begin that stand beside runs: counted costs, times beside the peer, predicted times."""
PICTURES = {
    "strip": "Frames, ground truth and predictions",
    "flow": "The flow of one of MPVSS's queries, its mask, and the optical flow",
}
"""What `mpvss-bench strip` draws, by the first part of the file's name; the rest names the clip."""


def _belongs_to(folder: Path, file: Path) -> bool:
    """Whether a file is a regular one inside the folder: a link could bring any file of the machine into a report."""
    return file.is_file() and file.resolve().is_relative_to(folder.resolve())


def picture_title(run: StudyRun, file: Path) -> str:
    """What a picture shows."""
    kind, _, clip = file.stem.partition("-")
    return f"{run.name}: {f'{PICTURES[kind]}, clip {clip}' if kind in PICTURES else file.stem}"


def read_study(paths: Sequence[Path]) -> Study:
    """Read runs and cards, and folders that hold these and the files of `BESIDE_RUNS`.

    Raises:
        UserError: a folder that is neither, is damaged or of a schema that is not known; a run that has no cell
            yet, or the name of another.

    """
    folders = [folder for path in paths for folder in _runs_in(path)]
    cards = [folder for path in paths for folder in _cards_in(path)]
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise UserError(f"the runs {', '.join(map(str, folders))} share a name; rename one of the folders")
    runs = [_read(folder, name) for folder, name in zip(folders, names, strict=True)]
    series = tuple(dict.fromkeys(row for run in runs for row in run.rows))
    return Study(
        runs=tuple(replace(run, series=series) for run in runs),
        costs=tuple(read_record(file, CostRecord) for file in _files(paths, "cost")),
        peers=tuple(read_record(file, PeerRecord) for file in _files(dict.fromkeys([*paths, *cards]), "peer")),
        predictions=tuple(read_record(file, PredictRecord) for file in _files(paths, "predict")),
        cards=tuple(read_card(folder) for folder in cards),
    )


def _runs_in(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        raise UserError(f"{path} " + ("is not a folder" if path.exists() else "does not exist"))
    inside = sorted(file.parent for file in path.glob("*/run.json"))
    is_beside = any(any(path.glob(f"{what}-*.json")) for what in BESIDE_RUNS)
    if (path / "run.json").exists() or not (inside or is_beside or _cards_in(path)):
        return [path]  # where it is no run, reading it says so
    return inside


def _cards_in(path: Path) -> list[Path]:
    """The card's folder, or those in a folder of results."""
    return [path] if (path / CARD).exists() else sorted(file.parent for file in path.glob(f"*/{CARD}"))


def _read(folder: Path, name: str) -> StudyRun:
    about = read_run_record(folder)
    table = read_run(folder).assign(run=name)
    if table.empty:
        raise UserError(f"{folder} has no cell yet; run the sweep first")
    return StudyRun(
        name=name,
        folder=folder,
        about=about,
        table=table,
        cells=rows_of(table),
        samples=read_samples(folder),
        latency=with_quantiles(rows_of(read_latency(folder)), read_samples(folder)),
        counts=read_clip_counts(folder),
        pictures=tuple(file for file in sorted((folder / "pictures").glob("*.png")) if _belongs_to(folder, file)),
    )


def _files(paths: Iterable[Path], what: str) -> list[Path]:
    return [file for path in paths if path.is_dir() for file in sorted(path.glob(f"{what}-*.json"))]
