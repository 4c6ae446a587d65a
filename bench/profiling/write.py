"""A profile's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bench.profiling.attribution import coverage, stage_seconds
from bench.profiling.names import Kind
from bench.profiling.plots import plot_memory, plot_roofline
from bench.profiling.profile import Profile
from bench.profiling.tables import Row, device_rows, kernel_rows, operator_rows, stage_rows
from bench.profiling.text import profile_text
from bench.profiling.trace_file import TRACE_FILE, compress_trace
from bench.runs.files import write_atomically, write_json, write_text
from bench.runs.whole_folder import folder_written_whole
from mpvss.errors import UserError

SCHEMA = 1
PROFILE = "profile.json"
FILES = (
    *(PROFILE, "profile.md", "stages.csv", "kernels.csv", "device_kernels.csv", TRACE_FILE),
    *("roofline.png", "roofline.svg", "memory.png", "memory.svg"),
)
"""Every file that a profile's folder may hold."""


def check_folder(folder: Path) -> None:
    """Raise UserError unless `folder` can be written: it is missing, is empty, or holds an earlier profile alone."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"{folder} is a file; name a folder")
    try:
        others = sorted(path.name for path in folder.iterdir() if path.name not in FILES)
    except OSError as error:
        raise UserError(f"{folder} cannot be listed: {error.strerror}") from error
    if others:
        raise UserError(f"{folder} holds {others[0]}, which is no part of a profile; choose another folder")


def write_profile(
    profile: Profile,
    folder: Path,
    *,
    configuration: Mapping[str, Any],
    environment: Mapping[str, Any],
    most_trace_bytes: int,
) -> str:
    """Write all files in one step, replacing an earlier profile's; the text of `profile.md`.

    Raises:
        UserError: the folder cannot be written, or holds something else by now.
    """
    data, dropped = compress_trace(profile.trace, profile.frames, most_trace_bytes)
    tables = {
        "stages": stage_rows(profile.measured, profile.counts, profile.ceilings),
        "operators": operator_rows(profile.measured, profile.counts, profile.ceilings),
        "kernels": kernel_rows(profile.measured),
        "device": device_rows(profile.measured),
    }
    content = {
        "schema": SCHEMA,
        "configuration": dict(configuration),
        "environment": dict(environment),
        "ceilings": {
            "macs_per_second": profile.ceilings.macs_per_second,
            "bytes_per_second": profile.ceilings.bytes_per_second,
        },
        "coverage": mean_coverage(profile),
        "frames": [
            {"kind": frame.kind, "seconds": frame.seconds, "stage_seconds": stage_seconds(frame.host)}
            for frame in profile.measured
        ],
        **{name: rows for name, rows in tables.items() if rows},
        "memory": _memory(profile),
        "trace": {"file": TRACE_FILE, "bytes": len(data), "dropped": dropped},
    }
    with folder_written_whole(folder) as new:
        write_atomically(new / TRACE_FILE, data)
        write_json(new / PROFILE, content)
        text = profile_text(content)
        write_text(new / "profile.md", text)
        _write_csv(tables["stages"], new / "stages.csv")
        _write_csv(tables["operators"], new / "kernels.csv")
        if tables["kernels"]:
            _write_csv(tables["kernels"], new / "device_kernels.csv")
        plot_roofline(tables["stages"], profile.ceilings, new / "roofline")
        plot_memory(profile.memory, profile.frames, configuration["device"], new / "memory")
        check_folder(folder)
    return text


def mean_coverage(profile: Profile) -> dict[Kind, float]:
    """The share of each kind of frame's time in named stages, the mean over its frames."""
    shares: dict[Kind, list[float]] = {}
    for frame in profile.measured:
        shares.setdefault(frame.kind, []).append(coverage(stage_seconds(frame.host)))
    return {kind: sum(values) / len(values) for kind, values in shares.items()}


def _memory(profile: Profile) -> dict[str, Any]:
    start = profile.frames[0].span.start
    thinned = profile.memory.thinned()
    return {
        "peak_bytes": profile.memory.peak,
        "timeline": [[(time - start) / 1e3, size] for time, size in zip(thinned.times, thinned.allocated, strict=True)],
        "timeline_columns": ["ms", "bytes"],
    }


def _write_csv(rows: Sequence[Row], file: Path) -> None:
    write_text(file, pd.DataFrame(rows).to_csv(index=False))
