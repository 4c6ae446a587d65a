"""What a report is made from, read from its files: runs and their pictures, counted costs, times beside the peer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from bench.methods.names import UNTRAINED
from bench.report.tables.tables import Cell, is_there
from bench.runs.clip_counts import ClipCounts
from bench.runs.results import CellKey, read_clip_counts, read_configuration, read_latency, read_run, read_samples
from bench.runs.schema import COUNTED_SCHEMA, PEER_SCHEMA, migrate_counted, migrate_peer
from mpvss.errors import UserError


@dataclass(frozen=True)
class StudyRun:
    """One run.

    Attributes:
        name: of its folder.
        about: what its `run.json` holds.
        table: as `bench.runs.results.read_run` gives it; `cells` are its rows.
        samples: as `bench.runs.results.read_samples` gives them.
        latency: the rows of `bench.runs.results.read_latency`.
        counts: pixel counts clip by clip, of the cells that keep them.
        pictures: the PNG files under its `pictures/`.
        series: the rows of all runs of the study, so that a method looks the same in the figures of each.

    """

    name: str
    about: dict[str, Any]
    table: pd.DataFrame
    cells: list[Cell]
    samples: pd.DataFrame
    latency: list[Cell]
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
        return [name for name in self.rows if base_method(name) == base]

    def counts_of(self, cell: Cell) -> ClipCounts | None:
        """The pixel counts of a cell clip by clip; None where it does not keep them."""
        return self.counts.get(CellKey(cell["backbone"], cell["method"], int(cell["interval"])))

    def cell(self, backbone: str, method: str, interval: int) -> Cell | None:
        """A good cell, or None. A method to which every frame is a key frame serves every interval."""
        of_method = [c for c in self.cells if (c["backbone"], c["method"]) == (backbone, method)]
        if {c["interval"] for c in of_method} == {1} and method == "per-frame":
            interval = 1
        return next((c for c in of_method if c["interval"] == interval and c["status"] == "ok"), None)


@dataclass(frozen=True)
class Study:
    """Everything that one report is about.

    Attributes:
        runs: in the order given.
        paper_costs: what `mpvss-bench cost --paper --json` wrote, one entry a printed figure.
        costs: what `mpvss-bench cost --json` wrote, one entry a method and backbone, with the frame's `height`.
        peers: what `mpvss-bench peer --out` wrote, one entry a file.

    """

    runs: tuple[StudyRun, ...]
    paper_costs: tuple[dict[str, Any], ...]
    costs: tuple[dict[str, Any], ...]
    peers: tuple[dict[str, Any], ...]


PICTURES = {
    "strip": "Frames, ground truth and predictions",
    "flow": "The flow of one of MPVSS's queries, its mask, and the optical flow",
}
"""What `mpvss-bench strip` draws, by the first part of the file's name; the rest names the clip."""


def picture_title(run: StudyRun, file: Path) -> str:
    """What a picture shows."""
    kind, _, clip = file.stem.partition("-")
    return f"{run.name}: {f'{PICTURES[kind]}, clip {clip}' if kind in PICTURES else file.stem}"


def base_method(name: str) -> str:
    """The method of a row that is called METHOD or METHOD@LABEL."""
    return name.partition("@")[0]


def is_untrained(cell: Cell) -> bool:
    """Whether any weight of the method was drawn at random, so that its accuracy says nothing."""
    return is_there(cell, "weights") and UNTRAINED in str(cell["weights"])


def read_study(paths: Sequence[Path]) -> Study:
    """Read runs, and folders that hold runs, counted costs (`cost-*.json`) and times beside the peer (`peer-*.json`).

    Raises:
        UserError: a folder that is neither, is damaged or of a schema that is not known; a run that has no cell
            yet, or the name of another.

    """
    folders = [folder for path in paths for folder in _runs_in(path)]
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise UserError(f"the runs {', '.join(map(str, folders))} share a name; rename one of the folders")
    contents = _read_all(paths, "cost")
    runs = [_read(folder, name) for folder, name in zip(folders, names, strict=True)]
    series = tuple(dict.fromkeys(row for run in runs for row in run.rows))
    return Study(
        runs=tuple(replace(run, series=series) for run in runs),
        paper_costs=tuple(cell for content in contents for cell in content.get("cells", ())),
        costs=tuple({**row, "height": c["height"]} for c in contents if "rows" in c for row in c["rows"]),
        peers=tuple(_read_all(paths, "peer")),
    )


def _runs_in(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        raise UserError(f"{path} " + ("is not a folder" if path.exists() else "does not exist"))
    inside = sorted(file.parent for file in path.glob("*/run.json"))
    if (path / "run.json").exists() or not (inside or any(path.glob("cost-*.json")) or any(path.glob("peer-*.json"))):
        return [path]  # where it is no run, reading it says so
    return inside


def _read(folder: Path, name: str) -> StudyRun:
    about = read_configuration(folder)
    table = read_run(folder).assign(run=name)
    if table.empty:
        raise UserError(f"{folder} has no cell yet; run the sweep first")
    return StudyRun(
        name=name,
        about=about,
        table=table,
        cells=_rows(table),
        samples=read_samples(folder),
        latency=_rows(read_latency(folder)),
        counts=read_clip_counts(folder),
        pictures=tuple(sorted((folder / "pictures").glob("*.png"))),
    )


def _rows(table: pd.DataFrame) -> list[Cell]:
    return [{str(field): value for field, value in row.items()} for row in table.to_dict("records")]


def _read_all(paths: Sequence[Path], what: str) -> list[dict[str, Any]]:
    return [_read_json(file, what) for path in paths if path.is_dir() for file in sorted(path.glob(f"{what}-*.json"))]


def _read_json(file: Path, what: str) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text())
    except ValueError as error:
        raise UserError(f"{file} is damaged ({error})") from None
    content = {"schema": 1, **content}  # the first files named none
    latest = PEER_SCHEMA if what == "peer" else COUNTED_SCHEMA
    migrated = (migrate_peer if what == "peer" else migrate_counted)(content)
    if migrated is None:
        raise UserError(f"{file} has schema {content['schema']!r}; this version reads schemas up to {latest}")
    return migrated
