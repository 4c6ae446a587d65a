"""What a report is made from, read from its files: runs, counted costs and pictures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.clip_counts import ClipCounts
from bench.report.tables import Cell, is_there
from bench.results import CellKey, read_clip_counts, read_configuration, read_run, read_samples

UNTRAINED = "untrained"


@dataclass(frozen=True)
class StudyRun:
    """One run.

    Attributes:
        name: of its folder.
        about: what its `run.json` holds.
        table: as `bench.results.read_run` gives it; `cells` are its rows.
        samples: as `bench.results.read_samples` gives them.
        counts: pixel counts clip by clip, of the cells that keep them.
        pictures: the PNG files under its `pictures/`.

    """

    name: str
    about: dict[str, Any]
    table: pd.DataFrame
    cells: list[Cell]
    samples: pd.DataFrame
    counts: dict[CellKey, ClipCounts]
    pictures: tuple[Path, ...]

    @property
    def backbones(self) -> list[str]:
        """In the order asked for."""
        return list(dict.fromkeys(cell["backbone"] for cell in self.cells))

    def methods(self, base: str) -> list[str]:
        """The rows of a method: its own name, and METHOD@LABEL."""
        names = dict.fromkeys(cell["method"] for cell in self.cells)
        return [name for name in names if base_method(name) == base]

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

    """

    runs: tuple[StudyRun, ...]
    paper_costs: tuple[dict[str, Any], ...]
    costs: tuple[dict[str, Any], ...]


def base_method(name: str) -> str:
    """The method of a row that is called METHOD or METHOD@LABEL."""
    return name.partition("@")[0]


def is_untrained(cell: Cell) -> bool:
    """Whether any weight of the method was drawn at random, so that its accuracy says nothing."""
    return is_there(cell, "weights") and UNTRAINED in str(cell["weights"])


def read_study(paths: Sequence[Path]) -> Study:
    """Read runs, and folders that hold runs and counted costs (`cost-*.json`).

    Raises:
        ValueError: a folder that is neither, is damaged or of a schema that is not known; a run that has no cell
            yet, or the name of another.

    """
    folders = [folder for path in paths for folder in _runs_in(path)]
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise ValueError(f"the runs {', '.join(map(str, folders))} share a name; rename one of the folders")
    files = [file for path in paths if path.is_dir() for file in sorted(path.glob("cost-*.json"))]
    contents = [_read_json(file) for file in files]
    return Study(
        runs=tuple(_read(folder, name) for folder, name in zip(folders, names, strict=True)),
        paper_costs=tuple(cell for content in contents for cell in content.get("cells", ())),
        costs=tuple({**row, "height": c["height"]} for c in contents if "rows" in c for row in c["rows"]),
    )


def _runs_in(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        raise ValueError(f"{path} " + ("is not a folder" if path.exists() else "does not exist"))
    inside = sorted(file.parent for file in path.glob("*/run.json"))
    if (path / "run.json").exists() or not (inside or any(path.glob("cost-*.json"))):
        return [path]  # where it is no run, reading it says so
    return inside


def _read(folder: Path, name: str) -> StudyRun:
    about = read_configuration(folder)
    table = read_run(folder).assign(run=name)
    if table.empty:
        raise ValueError(f"{folder} has no cell yet; run the sweep first")
    return StudyRun(
        name=name,
        about=about,
        table=table,
        cells=[{str(field): value for field, value in cell.items()} for cell in table.to_dict("records")],
        samples=read_samples(folder),
        counts=read_clip_counts(folder),
        pictures=tuple(sorted((folder / "pictures").glob("*.png"))),
    )


def _read_json(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text())
    except ValueError as error:
        raise ValueError(f"{file} is damaged ({error})") from None
