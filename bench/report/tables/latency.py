"""Tables of times: by kind of frame and scope, and the speed that follows at each interval."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.rows import Row, is_there
from bench.report.tables.formats import markdown_table
from bench.report.tables.sheet import MISSING, Entry, Header, Sheet, number

TIMES = {
    "samples": "Samples",
    "p50_ms": "p50 (ms)",
    "p90_ms": "p90 (ms)",
    "p99_ms": "p99 (ms)",
    "mean_ms": "Mean (ms)",
}
LATENCY_NOTE = (
    "Batch 1. Scope labels runs from the frame on the device to the label map on the host, model to the scores on the "
    "device, video from decoding on. A quantile stands where there are samples enough for it. The columns of > T ms "
    "say how many frames take longer."
)


WAITS = {"wait_frames": "Waits for (frames)", "wait_ms": "Waits for (ms)"}
WAIT_NOTE = (
    "Waits for: the frames after each one that a method looks at, and their time at the data's frame rate. A result is "
    "late by as much, besides the time of computing it, which all other columns are of."
)


def latency_sheet(rows: Sequence[Row], run: str = "") -> Sheet:
    """The rows of `bench.runs.read.read_latency`: of each method, scope and kind of frame."""
    late = _fields(rows, "late_")
    texts = ("method", "backbone", "scope", "kind")
    return Sheet(
        name=f"{run}-latency",
        title=f"Times by kind of frame: {run}",
        headers=(
            *(Header(name, number=False) for name in ("Method", "Backbone", "Scope", "Frames")),
            *map(Header, TIMES.values()),
            Header("95 % of p50 (ms)"),
            *(Header(_over(name)) for name in late),
        ),
        rows=tuple(
            (
                *(Entry(str(row[name])) for name in texts),
                *(_number(row, name, 0 if name == "samples" else 3) for name in TIMES),
                _interval(row),
                *(_number(row, name, 1, 100) for name in late),
            )
            for row in rows
        ),
        notes=(LATENCY_NOTE,),
        rules=frozenset(i for i in range(1, len(rows)) if rows[i]["method"] != rows[i - 1]["method"]),
    )


def speed_sheet(cells: Sequence[Row], run: str = "") -> Sheet:
    """FPS over a clip at each interval by scope, late frames, energy and peak memory."""
    fps, late, energy = _fields(cells, "fps_"), _fields(cells, "late_"), _fields(cells, "energy_", "_j")
    waits = _fields(cells, "wait_")
    memory = [name for name in ("host_peak_bytes", "device_peak_bytes") if any(is_there(cell, name) for cell in cells)]
    return Sheet(
        name=f"{run}-speed",
        title=f"Speed at each key-frame interval: {run}",
        headers=(
            Header("Method", number=False),
            Header("Backbone", number=False),
            Header("Interval"),
            *(Header(f"FPS ({name.removeprefix('fps_')})") for name in fps),
            *(Header(_over(name)) for name in late),
            *(Header(WAITS[name]) for name in waits),
            *(Header(f"J, {name.removeprefix('energy_').removesuffix('_j')} frame") for name in energy),
            *(Header(f"Peak {name.partition('_')[0]} memory (MiB)") for name in memory),
        ),
        rows=tuple(
            (
                *(Entry(str(cell[name])) for name in ("method", "backbone")),
                number(cell["interval"], 0),
                *(_number(cell, name, 2) for name in fps),
                *(_number(cell, name, 1, 100) for name in late),
                *(_number(cell, name, 0) for name in waits),
                *(_number(cell, name, 3) for name in energy),
                *(_number(cell, name, 0, 2.0**-20) for name in memory),
            )
            for cell in cells
        ),
        notes=(
            "FPS are those of a clip of 15 frames, from the mean times of key frames and of others.",
            *([WAIT_NOTE] if waits else []),
        ),
        rules=frozenset(i for i in range(1, len(cells)) if cells[i]["method"] != cells[i - 1]["method"]),
    )


def latency_table(rows: Sequence[Row]) -> str:
    """`latency_sheet` in Markdown, bare."""
    return markdown_table(latency_sheet(rows))


def speed_table(cells: Sequence[Row]) -> str:
    """`speed_sheet` in Markdown, bare."""
    return markdown_table(speed_sheet(cells))


def _fields(cells: Sequence[Row], prefix: str, suffix: str = "") -> list[str]:
    """Fields with a value in any of the cells, in their order there."""
    names = dict.fromkeys(name for cell in cells for name in cell if name.startswith(prefix) and name.endswith(suffix))
    return [name for name in names if any(is_there(cell, name) for cell in cells)]


def _over(field: str) -> str:
    """`late_33.33ms` or `late_labels_33.33ms` as a header."""
    *scope, deadline = field.removeprefix("late_").split("_")
    return f"> {deadline.removesuffix('ms')} ms" + (f", {scope[0]}" if scope else "") + " (%)"


def _number(cell: Row, field: str, digits: int, factor: float = 1.0) -> Entry:
    return number(factor * float(cell[field]), digits) if is_there(cell, field) else MISSING


def _interval(row: Row) -> Entry:
    if not is_there(row, "p50_low_ms"):
        return MISSING
    return Entry(f"{row['p50_low_ms']:.3f} to {row['p50_high_ms']:.3f}")
