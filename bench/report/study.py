"""What a report is made from, read from its files: runs and their pictures, counted costs, times beside the peer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.report.quantiles import with_quantiles
from bench.report.rows import Row, rows_of
from bench.report.run import LEAST_CLIPS, StudyRun
from bench.report.speed.clock import measured, with_times
from bench.report.speed.doubts import doubt
from bench.runs.card_folder import FILE as CARD
from bench.runs.card_folder import MeasuredCard, read_card
from bench.runs.cell_folder import read_cell_folder
from bench.runs.clip_counts import MEASURES
from bench.runs.read import read_cells, read_clip_counts, read_latency, read_run, read_run_record, read_samples
from bench.runs.record_file import read_record
from bench.runs.records.cell import CellKey
from bench.runs.records.cost import CostRecord, CountedFigure
from bench.runs.records.peer import PeerRecord
from bench.runs.records.predict import PredictRecord
from bench.runs.records.schedules import SCHEDULES, ScheduleCell, SchedulesRecord
from bench.runs.records.stream import STREAM, StreamCell, StreamRecord
from mpvss.errors import UserError


@dataclass(frozen=True)
class MeasuredStream:
    """A streaming evaluation: the name of its folder, its head and its cells."""

    name: str
    about: StreamRecord
    cells: tuple[StreamCell, ...]


@dataclass(frozen=True)
class PlayedSchedules:
    """Key-frame schedules: the name of their folder, its head and its cells."""

    name: str
    about: SchedulesRecord
    cells: tuple[ScheduleCell, ...]


@dataclass(frozen=True)
class Study:
    """Everything that one report is about.

    Attributes:
        runs: in the order given.
        costs: counted costs, one entry a file.
        peers: speed beside the peer, one entry a file.
        predictions: predicted times beside measured ones, one entry a file.
        cards: what `mpvss-bench card` measured, one entry a card.
        streams: what `mpvss-bench stream` evaluated, one entry a folder.
        schedules: what `mpvss-bench schedules` evaluated, one entry a folder.

    """

    runs: tuple[StudyRun, ...]
    costs: tuple[CostRecord, ...]
    peers: tuple[PeerRecord, ...]
    predictions: tuple[PredictRecord, ...] = ()
    cards: tuple[MeasuredCard, ...] = ()
    streams: tuple[MeasuredStream, ...] = ()
    schedules: tuple[PlayedSchedules, ...] = ()

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


def read_study(paths: Sequence[Path], *, all_times: bool = False) -> Study:
    """Read runs and cards, and folders that hold these and the files of `BESIDE_RUNS`.

    With `all_times`, times that are no measurement stay in their rows, and none are joined to others.

    Raises:
        UserError: a folder that is neither, is damaged or of a schema that is not known; a run that has no cell
            yet, or the name of another.

    """
    folders = [folder for path in paths for folder in _runs_in(path)]
    cards = [folder for path in paths for folder in _folders_of(path, CARD)]
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise UserError(f"the runs {', '.join(map(str, folders))} share a name; rename one of the folders")
    runs = [_read(folder, name) for folder, name in zip(folders, names, strict=True)]
    if not all_times:
        runs = with_times([measured(run) for run in runs])
    series = tuple(dict.fromkeys(row for run in runs for row in run.rows))
    return Study(
        runs=tuple(replace(run, series=series) for run in runs),
        costs=tuple(read_record(file, CostRecord) for file in _files(paths, "cost")),
        peers=tuple(read_record(file, PeerRecord) for file in _files(dict.fromkeys([*paths, *cards]), "peer")),
        predictions=tuple(read_record(file, PredictRecord) for file in _files(paths, "predict")),
        cards=tuple(read_card(folder) for folder in cards),
        streams=tuple(
            MeasuredStream(folder.resolve().name, *read_cell_folder(folder, STREAM, StreamRecord, StreamCell))
            for path in paths
            for folder in _folders_of(path, STREAM)
        ),
        schedules=tuple(
            PlayedSchedules(folder.resolve().name, *read_cell_folder(folder, SCHEDULES, SchedulesRecord, ScheduleCell))
            for path in paths
            for folder in _folders_of(path, SCHEDULES)
        ),
    )


def _runs_in(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        raise UserError(f"{path} " + ("is not a folder" if path.exists() else "does not exist"))
    inside = sorted(file.parent for file in path.glob("*/run.json"))
    is_beside = any(any(path.glob(f"{what}-*.json")) for what in BESIDE_RUNS)
    others = [folder for head in (CARD, STREAM, SCHEDULES) for folder in _folders_of(path, head)]
    if (path / "run.json").exists() or not (inside or is_beside or others):
        return [path]  # where it is no run, reading it says so
    return inside


def _folders_of(path: Path, head: str) -> list[Path]:
    """The folder itself where it has that head file, or those in a folder of results."""
    return [path] if (path / head).exists() else sorted(file.parent for file in path.glob(f"*/{head}"))


def _read(folder: Path, name: str) -> StudyRun:
    about = read_run_record(folder)
    table = read_run(folder).assign(run=name)
    if table.empty:
        raise UserError(f"{folder} has no cell yet; run the sweep first")
    records = [record for record in read_cells(folder) if record.timing is not None]
    timings = {(record.backbone, record.method): record.timing for record in records if record.timing is not None}
    reasons = {key: doubt(timing, about.configuration) for key, timing in timings.items()}
    samples = read_samples(folder)
    counts = read_clip_counts(folder)
    bounded = {key for key, of_cell in counts.items() if len(of_cell.names) >= LEAST_CLIPS}
    return StudyRun(
        name=name,
        folder=folder,
        about=about,
        cells=[row if _key(row) in bounded else _without_bounds(row) for row in rows_of(table)],
        samples=samples,
        latency=with_quantiles(rows_of(read_latency(folder)), samples),
        counts=counts,
        pictures=tuple(file for file in sorted((folder / "pictures").glob("*.png")) if _belongs_to(folder, file)),
        timings=timings,
        doubts={key: reason for key, reason in reasons.items() if reason},
    )


def _key(row: Row) -> CellKey:
    return CellKey(row["backbone"], row["method"], int(row["interval"]))


def _without_bounds(row: Row) -> Row:
    """The row without intervals over clips."""
    bounds = {f"{measure}_{side}" for measure in MEASURES for side in ("low", "high")}
    return {name: None if name in bounds else value for name, value in row.items()}


def _files(paths: Iterable[Path], what: str) -> list[Path]:
    return [file for path in paths if path.is_dir() for file in sorted(path.glob(f"{what}-*.json"))]
