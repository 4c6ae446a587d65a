"""The results of a sweep as files, and the one way to read them. Imports no model and no torch.

A run is a folder:

`run.json`
    `schema`; `configuration`, everything that changes what a cell means, and its hash; `asked`, the methods, backbones
    and intervals asked for so far; `starts`, one entry for each start: its command and environment.
`cells/*.json`
    One file a cell, each written whole or not at all. The fields are those of `CELL_FIELDS`.

Files of an older schema are read as the present one (`bench.runs.schema`).

A run is opened again with the same configuration only. The lists under `asked` may grow: cells that are there
are kept, and those that are missing are measured.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from bench.runs.clip_counts import MEASURES, ClipCounts
from bench.runs.schema import SCHEMA, migrate
from mpvss.errors import UserError

CELL_FIELDS = {
    "schema": "version of this layout, an integer",
    "backbone": "backbone; for Accel, the one of its key branch",
    "method": "method, or METHOD@LABEL where one method has several rows",
    "interval": "key-frame interval; 1 for a method to which every frame is a key frame",
    "start": "index into the `starts` of run.json: the environment the cell was measured in",
    "weights": "`untrained`, or what was loaded",
    "errors": "what failed, by part of the cell (accuracy, cost, timing); empty for a good cell",
    "accuracy": "measures in 0..1 over all labelled frames; null for data without labels. Where single frames are "
    "labelled: means over the distances 0..interval-1 from the key frame, and `miou_by_distance`",
    "clips": "of each clip with labels: `name`, the `classes` in it, and in their order the pixels of `truth`, and at "
    "each distance from the key frame (one, where frames are not scored by distance) of `intersection` and "
    "`predicted`; null where they were not kept",
    "cost": "`parameters`, and MACs of a key and a non-key frame, and their mean over a clip at the interval; null, as "
    "timing and memory, for `ground-truth-flow`, which is scored alone",
    "tracebacks": "where each of them came from",
    "timing": "`fps_SCOPE` over a clip at the interval and `late_SCOPE_DEADLINE`, the share of frames over a deadline; "
    "`p50_KIND_ms` in scope `labels`; how sampling went; `kinds`, figures of each scope and kind of frame; `samples` "
    "and `warmup`, by scope, a list for each field of a sample",
    "memory": "bytes: of the process on the host, and of the device's allocator where there is a device",
    "operators": "calls of each operator for a `key` and a `non-key` frame, views and allocations left out; missing or "
    "null where they were not counted",
}
PARTS = ("accuracy", "cost", "timing")
LONGEST_NAME = 100
"""Characters of a quoted name; file systems take 255 bytes, and a cell's file has two names."""


@dataclass(frozen=True, order=True)
class CellKey:
    """What a cell is found by."""

    backbone: str
    method: str
    interval: int

    @property
    def file_name(self) -> str:
        """The cell's file."""
        return f"{file_name(self.backbone)}--{file_name(self.method)}--{self.interval:03d}.json"


def file_name(name: str) -> str:
    """A name as one component of a path: it never leaves its folder, and no file system refuses it.

    All but letters, digits, `_`, `-`, `~` and `.` is %-quoted, and so is a leading dot. A long name is cut, and ends in
    a part of its SHA-256.
    """
    quoted = quote(name, safe="")
    if quoted.startswith("."):
        quoted = "%2E" + quoted[1:]
    if len(quoted) > LONGEST_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        quoted = f"{quoted[: LONGEST_NAME - len(digest) - 1]}-{digest}"
    return quoted


class Run:
    """A folder of results that is being written."""

    def __init__(self, path: Path, start: int) -> None:
        self.path = path
        self.start = start

    def load(self, key: CellKey) -> dict[str, Any] | None:
        """The cell's record, or None where it has not been written."""
        path = self.path / "cells" / key.file_name
        return _read_record(path) if path.exists() else None

    def save(self, key: CellKey, record: Mapping[str, Any]) -> None:
        """Write a cell, in one step: a reader sees the old record or the new one, never a part."""
        head = {"schema": SCHEMA, "backbone": key.backbone, "method": key.method, "interval": key.interval}
        write_json(self.path / "cells" / key.file_name, {**head, "start": self.start, **record})

    def partial(self, backbone: str) -> Path:
        """The folder of a backbone's unfinished work."""
        return self.path / "partial" / file_name(backbone)

    def drop_partial(self, backbone: str) -> None:
        """Remove a backbone's unfinished work; what does not lie inside the run's folder is left alone."""
        folder = self.partial(backbone).resolve()
        if self.path.resolve() in folder.parents:
            shutil.rmtree(folder, ignore_errors=True)


def open_run(
    path: Path,
    configuration: Mapping[str, Any],
    asked: Mapping[str, Sequence[Any]],
    start: Mapping[str, Any],
) -> Run:
    """Make a run's folder, or open the one that is there.

    Args:
        path: the folder; made where it is missing.
        configuration: everything that changes what a cell means, as JSON values.
        asked: the lists of methods, backbones and intervals; added to those already asked for.
        start: this start's command and environment.

    Raises:
        UserError: the folder holds a run of another configuration, or something else.
    """
    file = path / "run.json"
    known: dict[str, Any] = {"configuration": dict(configuration), "asked": {}, "starts": []}
    if file.exists():
        known = _read_record(file)
        _check_same(path, known["configuration"], json.loads(json.dumps(configuration)))
    elif path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} exists and is not a results folder (it has no run.json); choose another --out")
    merged = {
        name: [*known["asked"].get(name, []), *(v for v in values if v not in known["asked"].get(name, []))]
        for name, values in asked.items()
    }
    starts = [*known["starts"], dict(start)]
    (path / "cells").mkdir(parents=True, exist_ok=True)
    record = {
        "schema": SCHEMA,
        "configuration": known["configuration"],
        "configuration_sha256": _digest(known["configuration"]),
        "asked": merged,
        "starts": starts,
    }
    write_json(file, record)
    return Run(path, len(starts) - 1)


def write_json(path: Path, value: object) -> None:
    """Write a JSON file in one step; a list of numbers stands on one line."""
    text = json.dumps(value, indent=1, allow_nan=False) + "\n"
    # A line break is never part of a JSON string, so that no text is touched.
    text = re.sub(r"\[\n[^\[\]{}\"]*\]", lambda found: re.sub(r"\n *", "", found[0]).replace(",", ", "), text)
    write_atomically(path, text.encode())


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that at every moment its path holds the whole old content or the whole new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_configuration(path: Path) -> dict[str, Any]:
    """The content of a run's `run.json`."""
    file = path / "run.json"
    if not file.is_file():
        raise UserError(f"{path} is not a results folder: it has no run.json")
    return _read_record(file)


def read_run(path: Path) -> pd.DataFrame:
    """One row a cell, in the order asked for: key, status, measures, cost, times, memory.

    Fractions are 0..1, `*_macs` are multiply-accumulates, `*_ms` milliseconds, `*_bytes` bytes. `*_low` and `*_high`
    bound the 95 % interval, bootstrapped over clips. What was not measured is missing (NaN or None), never zero.
    """
    run = read_configuration(path)
    rows = [_row(path, run, record) for record in _in_order(path)]
    return pd.DataFrame(rows, columns=None if rows else ["run", "backbone", "method", "interval", "status"])


def read_samples(path: Path) -> pd.DataFrame:
    """One row a timed frame: backbone, method, scope, kind, warmup, and the fields of a sample, `seconds` among them.

    Times are taken once for a backbone and method, so the intervals of a method share their samples.
    """
    samples: dict[tuple[str, str], pd.DataFrame] = {}
    for record in _timed(path):
        samples[record["backbone"], record["method"]] = pd.concat(
            pd.DataFrame(columns).assign(scope=scope, warmup=name == "warmup")
            for name in ("warmup", "samples")
            for scope, columns in record["timing"][name].items()
        )
    if not samples:
        return pd.DataFrame()
    table = pd.concat(samples, names=["backbone", "method"]).reset_index(level=["backbone", "method"])
    kind = table.pop("key").map({True: "key", False: "non-key"})
    return table.assign(kind=kind).reset_index(drop=True)


def read_latency(path: Path) -> pd.DataFrame:
    """One row for each backbone, method, scope and kind of frame: mean and quantiles in ms, shares over deadlines."""
    # The largest interval comes last, and has both kinds of frame.
    timings = {(record["backbone"], record["method"]): record["timing"].get("kinds", ()) for record in _timed(path)}
    return pd.DataFrame(
        [
            {"backbone": backbone, "method": method, **kind}
            for (backbone, method), kinds in timings.items()
            for kind in kinds
        ]
    )


def read_operators(path: Path) -> dict[tuple[str, str, str], dict[str, int]]:
    """Calls of each operator, by backbone, method and kind of frame (`key`, `non-key`), where they were counted."""
    return {
        (record["backbone"], record["method"], kind): calls
        for record in _in_order(path)
        for kind, calls in (record.get("operators") or {}).items()
    }


def _timed(path: Path) -> list[dict[str, Any]]:
    return [record for record in _in_order(path) if record.get("timing")]


def read_clip_counts(path: Path) -> dict[CellKey, ClipCounts]:
    """Of each cell that keeps them, the pixel counts clip by clip, for intervals of differences between cells."""
    classes = len(read_configuration(path)["configuration"]["classes"])
    return {
        CellKey(record["backbone"], record["method"], record["interval"]): ClipCounts.from_record(
            record["clips"], classes
        )
        for record in _records(path)
        if record["clips"]
    }


def _in_order(path: Path) -> list[dict[str, Any]]:
    """The cells in the order asked for, and by interval."""
    asked = read_configuration(path)["asked"]
    records = list(_records(path))

    def place(record: Mapping[str, Any]) -> tuple[int, ...]:
        names = ((asked["backbones"], record["backbone"]), (asked["methods"], record["method"]))
        return (*(known.index(name) if name in known else len(known) for known, name in names), record["interval"])

    return sorted(records, key=place)


def _records(path: Path) -> Iterator[dict[str, Any]]:
    for file in sorted((path / "cells").glob("*.json")):
        yield _read_record(file)


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text())
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); delete it to measure it again") from None
    if not isinstance(record, dict) or "schema" not in record:
        raise UserError(f"{path} is damaged (it names no schema); delete it to measure it again")
    migrated = migrate(record)
    if migrated is None:
        raise UserError(f"{path} has schema {record['schema']!r}; this version reads schemas up to {SCHEMA}")
    return migrated


def _row(path: Path, run: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    errors = record["errors"]
    row = {
        "run": path.name,
        "backbone": record["backbone"],
        "method": record["method"],
        "interval": record["interval"],
        "status": "failed" if errors else "ok",
        "error": "; ".join(f"{part}: {text}" for part, text in errors.items()) or None,
        "weights": record["weights"],
        **(record["accuracy"] or {}),
        **_bounds(record, len(run["configuration"]["classes"])),
        **(record["cost"] or {}),
        **{k: v for k, v in (record["timing"] or {}).items() if not isinstance(v, dict | list)},
        **(record["memory"] or {}),
    }
    environment = run["starts"][record["start"]]["environment"]
    return {**row, "device": environment["device"], "cpu": environment["cpu"]}


def _bounds(record: Mapping[str, Any], num_classes: int) -> dict[str, float]:
    """The 95 % intervals of a cell's measures; empty where it keeps no counts, or of one clip."""
    if not record["clips"]:
        return {}
    counts = ClipCounts.from_record(record["clips"], num_classes)
    intervals = {measure: counts.interval(measure) for measure in MEASURES}
    return {
        f"{measure}_{side}": getattr(interval, side)
        for measure, interval in intervals.items()
        if interval is not None
        for side in ("low", "high")
    }


def _digest(configuration: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()[:16]


def _check_same(path: Path, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    differing = [key for key in sorted({*there, *here}) if there.get(key) != here.get(key)]
    if differing:
        listed = "; ".join(f"{key}: {there.get(key)!r} there, {here.get(key)!r} now" for key in differing)
        raise UserError(
            f"{path} holds a run of another configuration ({listed}); "
            "give another --out, or the same configuration to go on with it"
        )
