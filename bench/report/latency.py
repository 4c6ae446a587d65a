"""Tables of times: by kind of frame and scope, and the speed that follows at each interval."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.tables import MISSING, Cell, is_there, markdown

TIMES = ("samples", "p50_ms", "p90_ms", "p99_ms", "mean_ms")
TIME_HEADERS = ("Samples", "p50 (ms)", "p90 (ms)", "p99 (ms)", "Mean (ms)")


def latency_table(rows: Sequence[Cell]) -> str:
    """The rows of `bench.results.read_latency` as Markdown: of each method, scope and kind of frame."""
    late = _fields(rows, "late_")
    header = ["Method", "Backbone", "Scope", "Frames", *TIME_HEADERS, "95 % of p50 (ms)", *map(_over, late)]
    return markdown(
        header,
        [
            [
                *(str(row[name]) for name in ("method", "backbone", "scope", "kind")),
                *(_number(row, name, 0 if name == "samples" else 3) for name in TIMES),
                _interval(row),
                *(_percent(row, name) for name in late),
            ]
            for row in rows
        ],
        left=("Backbone", "Scope", "Frames"),
    )


def speed_table(cells: Sequence[Cell]) -> str:
    """FPS over a clip at each interval by scope, late frames, energy and peak memory, as Markdown."""
    fps, late, energy = _fields(cells, "fps_"), _fields(cells, "late_"), _fields(cells, "energy_", "_j")
    memory = [name for name in ("host_peak_bytes", "device_peak_bytes") if any(is_there(cell, name) for cell in cells)]
    header = [
        "Method",
        "Backbone",
        "Interval",
        *(f"FPS ({name.removeprefix('fps_')})" for name in fps),
        *map(_over, late),
        *(f"J, {name.removeprefix('energy_').removesuffix('_j')} frame" for name in energy),
        *(f"Peak {name.partition('_')[0]} memory (MiB)" for name in memory),
    ]
    return markdown(
        header,
        [
            [
                *(str(cell[name]) for name in ("method", "backbone", "interval")),
                *(_number(cell, name, 2) for name in fps),
                *(_percent(cell, name) for name in late),
                *(_number(cell, name, 3) for name in energy),
                *(_number(cell, name, 0, 2.0**-20) for name in memory),
            ]
            for cell in cells
        ],
        left=("Backbone",),
    )


def _fields(cells: Sequence[Cell], prefix: str, suffix: str = "") -> list[str]:
    """Fields with a value in any of the cells, in their order there."""
    names = dict.fromkeys(name for cell in cells for name in cell if name.startswith(prefix) and name.endswith(suffix))
    return [name for name in names if any(is_there(cell, name) for cell in cells)]


def _over(field: str) -> str:
    """`late_33.33ms` or `late_labels_33.33ms` as a header."""
    *scope, deadline = field.removeprefix("late_").split("_")
    return f"> {deadline.removesuffix('ms')} ms" + (f", {scope[0]}" if scope else "") + " (%)"


def _number(cell: Cell, field: str, digits: int, factor: float = 1.0) -> str:
    return f"{factor * cell[field]:.{digits}f}" if is_there(cell, field) else MISSING


def _interval(row: Cell) -> str:
    if not is_there(row, "p50_low_ms"):
        return MISSING
    return f"{row['p50_low_ms']:.3f} to {row['p50_high_ms']:.3f}"


def _percent(cell: Cell, field: str) -> str:
    return _number(cell, field, 1, 100)
