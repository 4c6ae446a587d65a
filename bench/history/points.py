"""A run, or a file of the gate, as points of a history: one for each commit that it was measured at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.gate.baseline import read_baseline
from bench.history.quantities import counters_of_cell, counters_of_gate, times_of
from bench.measure.commit import DIRTY, commit_date, project_commit
from bench.report.speed.doubts import doubt
from bench.runs.read import read_cells, read_run_record
from bench.runs.records.cell import CellRecord
from bench.runs.records.environment import Environment
from bench.runs.records.history import HistoryFigure, PointRecord
from bench.runs.records.run import Configuration
from mpvss.errors import UserError

NOT_THE_SETTING = {
    *("classes", "weights", "device", "cpu", "threads"),
    *("repeats", "scopes", "stopping", "deadlines_ms", "frame_rate"),
}
"""Fields of a configuration that are the machine's, or that leave the meaning of a value as it is."""
_HASH = re.compile(r"[0-9a-f]{7,40}")


def points_of(path: Path, commit: str | None = None) -> list[PointRecord]:
    """The points in a run's folder, or in a file that `mpvss-bench gate --out` or `--update` wrote.

    Args:
        path: the folder or the file.
        commit: what the file was measured at; None: the commit of the project's checkout. A run says it itself.

    Raises:
        UserError: it is neither, is damaged, has nothing that was measured, or was measured with changes that are in
            no commit.
    """
    return list(_points_of_run(path)) if path.is_dir() else [_point_of_gate(path, commit)]


def _point_of_gate(file: Path, commit: str | None) -> PointRecord:
    found = read_baseline(file)
    conditions = found.conditions
    commit = _checked(commit or project_commit(), file)
    return PointRecord(
        commit=commit,
        committed=commit_date(commit),
        measured=datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="seconds"),
        setting=f"gate, {conditions.data}",
        conditions={"weights": conditions.weights, "torch": conditions.torch},
        figures=list(counters_of_gate(found)),
    )


def _points_of_run(folder: Path) -> Iterator[PointRecord]:
    about = read_run_record(folder)
    found: dict[str, tuple[Environment, dict[HistoryFigure, None]]] = {}
    for cell in read_cells(folder):
        if not cell.errors:
            environment = about.starts[cell.start].environment
            commit = _checked(environment.commit, folder)
            _, figures = found.setdefault(commit, (environment, {}))
            figures.update(dict.fromkeys(_figures(cell, about.configuration)))
    if not any(figures for _, figures in found.values()):
        raise UserError(f"{folder} has nothing to keep: no cell was counted, scored or timed well")
    for commit, (environment, figures) in found.items():
        if figures:
            yield PointRecord(
                commit=commit,
                committed=commit_date(commit),
                measured=environment.date,
                setting=_setting(about.configuration),
                machine=f"{environment.device}, {environment.cpu}, threads: {environment.threads}",
                conditions=_conditions(environment, about.configuration.weights),
                figures=list(figures),
            )


def _figures(cell: CellRecord, configuration: Configuration) -> Iterator[HistoryFigure]:
    yield from counters_of_cell(cell)
    if cell.timing is not None and not doubt(cell.timing, configuration):
        yield from times_of(cell, cell.timing)


def _setting(configuration: Configuration) -> str:
    """Data and mode in words; what has no effect is left out."""
    fields = {name: getattr(configuration, name) for name in configuration.__struct_fields__}
    said = {name: value for name, value in fields.items() if name not in {*NOT_THE_SETTING, "data"} and value}
    return ", ".join([configuration.data, *(f"{name} {value}" for name, value in said.items())])


def _conditions(environment: Environment, weights: Mapping[str, str]) -> dict[str, str]:
    fields = {name: getattr(environment, name) for name in ("os", "python", "cuda", "cudnn", "driver")}
    libraries = {name: version for name, version in environment.libraries.items() if name != "mpvss-bench"}
    digests = {f"weights {row}": digest for row, digest in weights.items()}
    return {name: str(value) for name, value in {**digests, **libraries, **fields}.items() if value is not None}


def _checked(commit: str | None, path: Path) -> str:
    if commit is None:
        raise UserError(f"{path} names no commit: it was measured outside of a checkout; a history is of commits")
    if commit.endswith(DIRTY):
        raise UserError(f"{path} was measured at {commit}, with changes in no commit; commit them and measure again")
    if not _HASH.fullmatch(commit):
        raise UserError(f"{commit!r} is no commit; give 7 to 40 digits of its hash, 0-9 and a-f")
    return commit[:12]


def identity(point: PointRecord) -> bytes:
    """What a point takes the place of another by: commit, setting and machine."""
    return msgspec.json.encode([point.commit, point.setting, point.machine])
