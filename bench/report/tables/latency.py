"""Tables of times: by kind of frame and scope, and the speed that follows at each interval."""

from __future__ import annotations

from collections.abc import Sequence

from bench.measure.time.quantiles import least_samples
from bench.measure.time.record import QUANTILES, deadline_name
from bench.report.rows import Row, is_there
from bench.report.tables.formats import markdown_table
from bench.report.tables.sheet import MISSING, Entry, Header, Sheet, number

LATENCY_NOTE = (
    "One frame at a time. Scope labels runs from the frame on the device to the label map on the host, model to the "
    "scores on the device, video from decoding on; throughput is a frame's share of the time of several streams. The "
    "columns of > T ms say how many frames take longer."
)


WAITS = {"wait_frames": "Waits for (frames)", "wait_ms": "Waits for (ms)"}
WAIT_NOTE = (
    "Waits for: the frames after each one that a method looks at, and their time at the data's frame rate. A result is "
    "late by as much, besides the time of computing it, which all other columns are of."
)


def latency_sheet(rows: Sequence[Row], run: str = "", frame_rate: float | None = None) -> Sheet:
    """The rows of `bench.runs.read.read_latency`: of each method, scope and kind of frame.

    `frame_rate` is the data's, by which its deadline is named.
    """
    late = _fields(rows, "late_")
    texts = ("method", "backbone", "scope", "kind")
    return Sheet(
        name=f"{run}-latency",
        title=f"Times by kind of frame: {run}" + _at_size(rows),
        headers=(
            *(Header(name, number=False) for name in ("Method", "Backbone", "Scope", "Frames")),
            Header("Samples", more=True),
            *(header for name in QUANTILES for header in (Header(f"{name} (ms)"), _bounds_header(name))),
            Header("Mean (ms)", more=True),
            *(Header(_over(name)) for name in late),
        ),
        rows=tuple(
            (
                *(Entry(str(row[name])) for name in texts),
                _number(row, "samples", 0),
                *(entry for name in QUANTILES for entry in _quantile(row, name)),
                _number(row, "mean_ms", 3),
                *(_number(row, name, 1, 100) for name in late),
            )
            for row in rows
        ),
        notes=(LATENCY_NOTE, *_deadline_notes(late, frame_rate), *quantile_notes(rows)),
        rules=frozenset(i for i in range(1, len(rows)) if rows[i]["method"] != rows[i - 1]["method"]),
    )


def _bounds_header(name: str) -> Header:
    """The bounds of a quantile; those of the median are always shown."""
    return Header(f"95 % of {name} (ms)", more=name != "p50")


def _deadline_notes(late: Sequence[str], frame_rate: float | None) -> list[str]:
    """Each deadline of `late_Tms` columns, by the frame rate that leaves this time."""
    named = [deadline_name(float(name.removeprefix("late_").removesuffix("ms")), frame_rate) for name in late]
    return [f"Deadlines: {', '.join(named)}."] if named else []


def quantile_notes(rows: Sequence[Row]) -> list[str]:
    """What a quantile's interval is, and how many samples those take that are left out."""
    notes = [
        "95 % of a quantile are bounds by order statistics, which hold for any distribution of times; they cover the "
        "sampling of frames alone."
    ]
    missing = [name for name in QUANTILES if any(not is_there(row, f"{name}_low_ms") for row in rows)]
    if missing:
        takes = ", ".join(f"{name} {least_samples(QUANTILES[name])}" for name in missing)
        fewest = min(int(row["samples"]) for row in rows)
        notes.append(f"A dash: too few samples for such bounds. They take ({takes}); the fewest here are {fewest}.")
    return notes


def speed_sheet(cells: Sequence[Row], run: str = "") -> Sheet:
    """FPS over a clip at each interval by scope, late frames, energy and peak memory."""
    fps = [name for name in _fields(cells, "fps_") if not name.endswith(("_low", "_high"))]
    late, energy = _fields(cells, "late_"), _fields(cells, "energy_", "_j")
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
                *(_fps(cell, name) for name in fps),
                *(_number(cell, name, 1, 100) for name in late),
                *(_number(cell, name, 0) for name in waits),
                *(_number(cell, name, 3) for name in energy),
                *(_number(cell, name, 0, 2.0**-20) for name in memory),
            )
            for cell in cells
        ),
        notes=(
            "FPS are those of a clip of 15 frames, from the mean times of key frames and non-key frames; throughput is "
            "of the median pass, over all streams, with its 95 % interval.",
            *([WAIT_NOTE] if waits else []),
        ),
        rules=frozenset(i for i in range(1, len(cells)) if cells[i]["method"] != cells[i - 1]["method"]),
    )


def _at_size(rows: Sequence[Row]) -> str:
    """The frames of a run, which have one size; empty for a run that does not say it."""
    sizes = {f"{int(row['height'])}x{int(row['width'])}" for row in rows if is_there(row, "height")}
    return f", frames of {', '.join(sorted(sizes))}" if sizes else ""


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


def _fps(cell: Row, name: str) -> Entry:
    """A speed, with its 95 % interval where it has one."""
    if not is_there(cell, f"{name}_low"):
        return _number(cell, name, 2)
    value, low, high = (float(cell[field]) for field in (name, f"{name}_low", f"{name}_high"))
    return Entry(f"{value:.2f} [{low:.2f}, {high:.2f}]", value)


def _quantile(row: Row, name: str) -> tuple[Entry, Entry]:
    """A quantile and its bounds. The median stands alone where it has none; other quantiles are left out then."""
    if not is_there(row, f"{name}_low_ms"):
        return (_number(row, "p50_ms", 3) if name == "p50" else MISSING), MISSING
    bounds = f"{row[f'{name}_low_ms']:.3f} to {row[f'{name}_high_ms']:.3f}"
    return _number(row, f"{name}_ms", 3), Entry(bounds)
