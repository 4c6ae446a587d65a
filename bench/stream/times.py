"""The measured times that a stream is replayed with, from a run of `latency` or of `sweep`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bench.methods.names import WITHOUT_KEY_FRAMES, method_of
from bench.runs.read import read_cells, read_run_record
from bench.runs.records.base import Scope
from bench.runs.records.cell import CellKey, CellRecord
from bench.runs.records.run import RunRecord
from bench.runs.records.timing import SampleColumns
from bench.stream.events import Durations
from mpvss.errors import UserError


@dataclass(frozen=True)
class TimedRun:
    """A run whose times are replayed.

    Attributes:
        path: its folder.
        about: its `run.json`.
        scope: where its times start and end.
        cells: what was timed, in the order asked for.
        durations: the times of each cell's method.
        size: height and width of the timed frames.

    """

    path: Path
    about: RunRecord
    scope: Scope
    cells: tuple[CellKey, ...]
    durations: dict[CellKey, Durations]
    size: tuple[int, int] | None

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.resolve().name

    @property
    def digest(self) -> str:
        """The first 16 digits of the hash of the times."""
        times = {
            f"{key.backbone}/{key.method}": [list(durations.key), list(durations.non_key)]
            for key, durations in self.durations.items()
        }
        return hashlib.sha256(msgspec.json.encode(sorted(times.items()))).hexdigest()[:16]


def read_timed_run(path: Path, scope: Scope) -> TimedRun:
    """The times of a run in one scope.

    Times are taken once for a method; those of its non-key frames serve all its intervals.

    Raises:
        UserError: the folder is no run, or has no times in the scope, or ones of half precision, with which labels are
            not computed here.
    """
    about = read_run_record(path)
    if about.configuration.amp is not None:
        raise UserError(
            f"{path} was timed in {about.configuration.amp}, and labels are computed in float32 here; give a run that "
            "was timed in the weights' own format, so that accuracy and speed are of the same"
        )
    if scope == "throughput":
        raise UserError("scope throughput is of several streams at once, and has no time of a frame; give another")
    timed = [record for record in read_cells(path) if record.timing is not None and scope in record.timing.samples]
    if not timed:
        raise UserError(f"{path} has no time in scope {scope}; time it with mpvss-bench latency --scopes {scope}")
    fullest: dict[tuple[str, str], Durations] = {}
    for record in timed:
        found = _durations(record, scope)
        kept = fullest.get((record.backbone, record.method), found)
        fullest[record.backbone, record.method] = found if len(found.non_key) > len(kept.non_key) else kept
    sizes = {(r.timing.height, r.timing.width) for r in timed if r.timing is not None and r.timing.height is not None}
    return TimedRun(
        path=path,
        about=about,
        scope=scope,
        cells=tuple(record.key for record in timed),
        durations={record.key: fullest[record.backbone, record.method] for record in timed},
        size=next(iter(sizes)) if len(sizes) == 1 else None,  # type: ignore[arg-type]
    )


def chosen(
    run: TimedRun,
    methods: Sequence[str] | None,
    backbones: Sequence[str] | None,
    intervals: Sequence[int] | None,
) -> list[CellKey]:
    """The cells to evaluate; None: all that were timed. Intervals need not be among the timed ones.

    Raises:
        UserError: a method or backbone that was not timed; one without key frames, which cannot leave out frames.
    """
    for asked, known, what in (
        (methods, {key.method for key in run.cells}, "method"),
        (backbones, {key.backbone for key in run.cells}, "backbone"),
    ):
        for name in asked or ():
            if name not in known:
                raise UserError(f"{run.path} has no times of {what} {name!r}; it has {', '.join(sorted(known))}")
    keys = [
        key
        for key in run.cells
        if (methods is None or key.method in methods) and (backbones is None or key.backbone in backbones)
    ]
    found: list[CellKey] = []
    for key in keys:
        method = method_of(key.method)
        if method in WITHOUT_KEY_FRAMES and method != "per-frame":
            if methods is not None:
                raise UserError(
                    f"{key.method} takes every frame in turn, and has no key frames to begin anew at; leave it out"
                )
            continue
        wanted = [key.interval] if intervals is None else [1] if method == "per-frame" else intervals
        found += [CellKey(key.backbone, key.method, interval) for interval in wanted]
    return list(dict.fromkeys(found))


def durations_of(run: TimedRun, key: CellKey, first: int) -> Durations:
    """The times of a cell's method, from the sample of the number `first` on."""
    of_row = next(
        durations
        for timed, durations in run.durations.items()
        if (timed.backbone, timed.method) == (key.backbone, key.method)
    )
    return replace(of_row, first=first)


def _durations(record: CellRecord, scope: Scope) -> Durations:
    assert record.timing is not None
    columns = record.timing.samples[scope]
    return Durations(_of_kind(columns, key=True), _of_kind(columns, key=False))


def _of_kind(columns: SampleColumns, *, key: bool) -> tuple[float, ...]:
    return tuple(s for s, is_key in zip(columns.seconds, columns.key, strict=True) if is_key == key)
