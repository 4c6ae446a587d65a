"""A run's files as tables, and the one way to read them. Imports no model and no torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pandas as pd

from bench.runs.clip_counts import MEASURES, ClipCounts
from bench.runs.files import read_bytes
from bench.runs.record_file import read_record
from bench.runs.records.base import Part
from bench.runs.records.cell import Accuracy, CellCost, CellKey, CellMemory, CellRecord
from bench.runs.records.run import RunRecord
from bench.runs.records.timing import CellTiming, Late
from mpvss.errors import UserError

HEAD = ("run", "backbone", "method", "interval", "status", "error", "weights")
OPTIONAL = {
    *("tc", "tc_flow", "miou_by_distance", "fps_model", "fps_video", "compile_seconds", "throttled_share"),
    *("long_run_macs", "most_non_key_macs", "not_counted", "wait_frames", "wait_ms"),
    *("fps_throughput", "fps_throughput_low", "fps_throughput_high"),
    *("energy_key_j", "energy_non_key_j", "energy_window_s", "energy_counter_period_s"),
}
"""Columns of `read_run` that are there only where a cell has a value; so are bounds and shares of late frames."""
NESTED = ("samples", "warmup", "kinds", "late", "guard", "sitting")
"""Fields of a cell's timing that are no column."""


def read_run_record(path: Path) -> RunRecord:
    """What a run's `run.json` holds.

    Raises:
        UserError: the folder has none, or it is damaged.
    """
    file = Path(path) / "run.json"
    if not file.is_file():
        refuse_predictions(Path(path))
        raise UserError(f"{path} is not a results folder: it has no run.json")
    return read_record(file, RunRecord)


def refuse_predictions(path: Path) -> None:
    """Raise UserError where a file, or every file of a folder, is of predicted times or speeds."""
    if _holds_predictions(path):
        raise UserError(f"{path} holds predictions, which are compared with nothing; give a run that was measured")


def _holds_predictions(path: Path) -> bool:
    """Whether a file, or every file of a folder, is of predicted times or speeds."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    return bool(files) and all(map(_is_of_predictions, files))


def _is_of_predictions(file: Path) -> bool:
    try:
        content = msgspec.json.decode(read_bytes(file))
    except (UserError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    fields = content.keys() if isinstance(content, dict) else ()
    return bool({"predicted", "speeds"} & set(fields) or {"fitted", "frames"} <= set(fields))


def read_cell(file: Path, about: RunRecord) -> CellRecord:
    """One cell of a run.

    Raises:
        UserError: the file is damaged, or does not go with the run: another number of classes, or no such start.
    """
    record = read_record(file, CellRecord)
    classes = len(about.configuration.classes)
    if record.start >= len(about.starts):
        raise UserError(
            f"{file} does not fit: start is {record.start}, and the run has {len(about.starts)} starts; {record.remedy}"
        )
    largest = max((clip.classes[-1] for clip in record.clips or () if clip.classes), default=-1)
    if largest >= classes:
        raise UserError(
            f"{file} does not fit: clips.classes has {largest}, and the run {classes} classes; {record.remedy}"
        )
    ious = record.accuracy.class_iou if record.accuracy else None
    if ious is not None and len(ious) != classes:
        raise UserError(
            f"{file} does not fit: accuracy.class_iou has {len(ious)} values, and the run {classes} classes; "
            f"{record.remedy}"
        )
    return record


def read_cells(path: Path) -> list[CellRecord]:
    """The cells of a run in the order asked for, and by interval."""
    about = read_run_record(path)
    found: dict[CellKey, CellRecord] = {}
    for file in sorted((Path(path) / "cells").glob("*.json")):
        record = read_cell(file, about)
        if file.name == record.key.file_name:
            found[record.key] = record
        else:
            found.setdefault(record.key, record)
    asked = about.asked

    def place(record: CellRecord) -> tuple[int, ...]:
        names = ((asked.backbones, record.backbone), (asked.methods, record.method))
        return (*(known.index(name) if name in known else len(known) for known, name in names), record.interval)

    return sorted(found.values(), key=place)


def read_run(path: Path | str) -> pd.DataFrame:
    """One row a cell, in the order asked for: key, status, measures, cost, times, memory.

    Fractions are 0..1, `*_macs` are multiply-accumulates, `*_ms` milliseconds, `*_bytes` bytes. `*_low` and `*_high`
    bound the 95 % interval, bootstrapped over clips. What was not measured is missing (NaN or None), never zero; the
    columns are there even where every cell failed.

    >>> table = read_run("results/measured/small-methods")
    >>> table.set_index("method")["miou"].round(3).loc[["copy", "mpvss"]].to_dict()
    {'copy': 0.745, 'mpvss': 0.781}

    Raises:
        UserError: the folder is no run, or a file in it is damaged.
    """
    path = Path(path)
    about = read_run_record(path)
    rows = [_row(path, about, record) for record in read_cells(path)]
    late = [name for row in rows for name in row if name.startswith("late_")]
    bounds = [f"{measure}_{side}" for measure in MEASURES for side in ("low", "high")]
    names = dict.fromkeys(
        [
            *(*HEAD, *Accuracy.__struct_fields__, *bounds, *CellCost.__struct_fields__),
            *_with_late(late),
            *(*CellMemory.__struct_fields__, "device", "cpu"),
        ]
    )
    there = {name for row in rows for name, value in row.items() if value is not None}
    kept = [name for name in names if name not in {*OPTIONAL, *bounds} - there]
    return pd.DataFrame([[row.get(name) for name in kept] for row in rows], columns=kept)


def read_samples(path: Path) -> pd.DataFrame:
    """One row a timed frame: backbone, method, scope, kind, warmup, and the fields of a sample, `seconds` among them.

    `process` counts the processes that took turns, from 0; it is 0 throughout where one process took all.
    Times are taken once for a backbone and method, so the intervals of a method share their samples.
    """
    samples: dict[tuple[str, str], pd.DataFrame] = {}
    for record, timing in _timed(path):
        samples[record.backbone, record.method] = pd.concat(
            pd.DataFrame(_known(columns)).assign(scope=scope, warmup=warmup)
            for warmup, of_scope in ((True, timing.warmup), (False, timing.samples))
            for scope, columns in of_scope.items()
        )
    if not samples:
        return pd.DataFrame()
    table = pd.concat(samples, names=["backbone", "method"]).reset_index(level=["backbone", "method"])
    kind = table.pop("key").map({True: "key", False: "non-key"})
    process = table["process"].fillna(0).astype(int) if "process" in table else 0
    return table.assign(kind=kind, process=process).reset_index(drop=True)


def read_latency(path: Path) -> pd.DataFrame:
    """One row for each backbone, method, scope and kind of frame: mean and quantiles in ms, shares over deadlines."""
    # The largest interval comes last, and has both kinds of frame.
    timings = {(record.backbone, record.method): timing for record, timing in _timed(path)}
    return pd.DataFrame(
        [
            {
                **{"backbone": backbone, "method": method, "height": timing.height, "width": timing.width},
                **_fields(kind, but=("late",)),
                **_late("late", kind.late),
            }
            for (backbone, method), timing in timings.items()
            for kind in timing.kinds
        ]
    )


def read_operators(path: Path) -> dict[tuple[str, str, str], dict[str, int]]:
    """Calls of each operator, by backbone, method and kind of frame (`key`, `non-key`), where they were counted."""
    return {
        (record.backbone, record.method, kind): calls
        for record in read_cells(path)
        for kind, calls in (record.operators or {}).items()
    }


def read_clip_counts(path: Path) -> dict[CellKey, ClipCounts]:
    """The pixel counts clip by clip of each cell that keeps them, for intervals of differences between cells."""
    classes = len(read_run_record(path).configuration.classes)
    return {record.key: ClipCounts.from_record(record.clips, classes) for record in read_cells(path) if record.clips}


def _timed(path: Path) -> Iterator[tuple[CellRecord, CellTiming]]:
    for record in read_cells(path):
        if record.timing is not None:
            yield record, record.timing


def _row(path: Path, about: RunRecord, record: CellRecord) -> dict[str, object]:
    row: dict[str, object] = {
        "run": path.name,
        "backbone": record.backbone,
        "method": record.method,
        "interval": record.interval,
        "status": "failed" if record.errors else "ok",
        "error": "; ".join(f"{part}: {text}" for part, text in record.errors.items()) or None,
        "weights": record.weights,
        **_bounds(record, len(about.configuration.classes)),
    }
    for part in (record.accuracy, record.cost, record.timing, record.memory):
        if part is not None:
            found = _fields(part, but=NESTED)
            # Cost and timing both say the frame's size, where they have it.
            row |= {name: value for name, value in found.items() if value is not None or name not in row}
    row["not_counted"] = "; ".join(record.cost.not_counted) or None if record.cost else None
    for scope, late in record.timing.late.items() if record.timing else ():
        row |= _late(f"late_{scope}", late)
    environment = about.starts[record.start].environment
    return {**row, "device": environment.device, "cpu": environment.cpu}


def _fields(part: Part, but: tuple[str, ...]) -> dict[str, object]:
    return {name: value for name, value in msgspec.structs.asdict(part).items() if name not in but}


def _known(part: Part) -> dict[str, object]:
    return {name: value for name, value in msgspec.structs.asdict(part).items() if value is not None}


def _late(prefix: str, shares: Late) -> dict[str, object]:
    return {f"{prefix}_{deadline}ms": share for deadline, share in shares.items()}


def _with_late(late: list[str]) -> list[str]:
    """The columns of a cell's timing, with the shares of late frames of a scope after its FPS."""
    names: list[str] = []
    for name in CellTiming.__struct_fields__:
        if name not in NESTED:
            names.append(name)
            names += [of for of in late if of.startswith(f"late_{name.removeprefix('fps_')}_")]
    return names


def _bounds(record: CellRecord, num_classes: int) -> dict[str, object]:
    """The 95 % intervals of a cell's measures; empty where it keeps no counts, or of one clip."""
    if not record.clips:
        return {}
    counts = ClipCounts.from_record(record.clips, num_classes)
    intervals = {measure: counts.interval(measure) for measure in MEASURES}
    return {
        f"{measure}_{side}": getattr(interval, side)
        for measure, interval in intervals.items()
        if interval is not None
        for side in ("low", "high")
    }
