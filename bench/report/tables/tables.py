"""Tables over the cells of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from tabulate import tabulate

from bench.report.rows import Row, is_there

MEGA, GIGA, MEBI = 1e-6, 1e-9, 2.0**-20
MISSING = "-"


@dataclass(frozen=True)
class Column:
    """One column of a table: its header with the unit, its field, the factor to the unit, its digits."""

    header: str
    field: str
    factor: float = 1.0
    digits: int = 1


MAIN = (
    Column("mIoU (%)", "miou", 100, 2),
    Column("WIoU (%)", "wiou", 100, 2),
    Column("mVC8 (%)", "mvc8", 100, 2),
    Column("mVC16 (%)", "mvc16", 100, 2),
    Column("GMACs", "mean_macs", GIGA, 3),
    Column("Params (M)", "parameters", MEGA, 2),
    Column("FPS (labels)", "fps_labels", 1, 2),
    Column("p50 key (ms)", "p50_key_ms", 1, 2),
    Column("p50 non-key (ms)", "p50_non_key_ms", 1, 2),
)
TEMPORAL = Column("TC (%)", "tc", 100, 2)
HOST_MEMORY = Column("Peak host memory (MiB)", "host_peak_bytes", MEBI, 0)
DEVICE_MEMORY = Column("Peak device memory (MiB)", "device_peak_bytes", MEBI, 0)
FURTHER = (
    Column("mIoU, predicted classes too (%)", "miou_with_predicted", 100, 2),
    Column("Pixel accuracy (%)", "pixel_accuracy", 100, 2),
    Column("Strict VC8 (%)", "mvc8_strict", 100, 2),
    Column("Strict VC16 (%)", "mvc16_strict", 100, 2),
    Column("Key GMACs", "key_macs", GIGA, 3),
    Column("Non-key GMACs", "non_key_macs", GIGA, 3),
)


def main_table(cells: Sequence[Row]) -> str:
    """The measures of each cell as Markdown; a failed cell says why, and weights stand on every row."""
    on_device = any(is_there(cell, "device_peak_bytes") for cell in cells)
    memory = DEVICE_MEMORY if on_device else HOST_MEMORY
    columns = _known((*MAIN[:4], TEMPORAL, *MAIN[4:], memory), cells)
    rows = []
    for cell in cells:
        status = "ok" if cell["status"] == "ok" else f"**failed**: {_one_line(cell['error'])}"
        rows.append([*_head(cell), *_values(cell, columns), _weights(cell), status])
    return markdown(["Method", "Interval", *(column.header for column in columns), "Weights", "Status"], rows)


def further_table(cells: Sequence[Row]) -> str:
    """The other measures of each cell as Markdown."""
    columns = _known(FURTHER, cells)
    rows = [[*_head(cell), *_values(cell, columns), _weights(cell)] for cell in cells]
    return markdown(["Method", "Interval", *(column.header for column in columns), "Weights"], rows)


def distance_table(cells: Sequence[Row]) -> str:
    """The mIoU at each distance from the key frame as Markdown, of each method at its largest interval.

    Empty where no cell was scored by distance.
    """
    largest: dict[str, Row] = {}
    for cell in cells:
        if _has_distances(cell) and cell["interval"] >= largest.get(cell["method"], cell)["interval"]:
            largest[cell["method"]] = cell
    if not largest:
        return ""
    reach = max(len(cell["miou_by_distance"]) for cell in largest.values())
    rows = []
    for cell in largest.values():
        values = [MISSING if miou is None else f"{100 * miou:.2f}" for miou in cell["miou_by_distance"]]
        rows.append([*_head(cell), *values, *[MISSING] * (reach - len(values)), _weights(cell)])
    return markdown(["Method", "Interval", *map(str, range(reach)), "Weights"], rows)


def miou_by_distance(cells: Sequence[Row]) -> pd.DataFrame:
    """One row a cell and distance from the key frame, in frames: the mIoU, 0..1. Cells not scored so have none."""
    head = ["run", "backbone", "method", "interval", "weights"]
    rows = [
        {**{name: cell[name] for name in head}, "distance": distance, "miou": miou}
        for cell in cells
        if _has_distances(cell)
        for distance, miou in enumerate(cell["miou_by_distance"])
    ]
    return pd.DataFrame(rows, columns=[*head, "distance", "miou"])


def class_iou(cells: Sequence[Row], class_names: Sequence[str]) -> pd.DataFrame:
    """One row a cell and class: the IoU, 0..1, missing where the class is in neither truth nor prediction."""
    head = ["run", "backbone", "method", "interval", "weights"]
    rows = [
        {**{name: cell[name] for name in head}, "class": class_name, "iou": iou}
        for cell in cells
        if isinstance(cell.get("class_iou"), list)
        for class_name, iou in zip(class_names, cell["class_iou"], strict=True)
    ]
    return pd.DataFrame(rows, columns=[*head, "class", "iou"])


def markdown(header: list[str], rows: list[list[str]], left: Sequence[str] = ("Weights", "Status")) -> str:
    """A Markdown table of plain texts, numbers to the right, the first column and those named `left` to the left."""
    return pipe_table(*([[as_text(text) for text in row] for row in part] for part in ([header], rows)), left=left)


def pipe_table(header: list[list[str]], rows: list[list[str]], left: Sequence[str]) -> str:
    """As `markdown`, of texts that are Markdown; the header is one row."""
    align = ["left" if i == 0 or name in left else "right" for i, name in enumerate(header[0])]
    return tabulate(rows, header[0], tablefmt="pipe", colalign=align, disable_numparse=True, preserve_whitespace=True)


def as_text(text: str) -> str:
    """Markdown that shows a text on one line: it begins no HTML, and ends no cell of a table."""
    return " ".join(text.splitlines()).replace("<", "&lt;").replace("|", "\\|")


def _known(columns: Sequence[Column], cells: Sequence[Row]) -> list[Column]:
    """The columns in which any cell has a value."""
    return [column for column in columns if any(is_there(cell, column.field) for cell in cells)]


def _has_distances(cell: Row) -> bool:
    return isinstance(cell.get("miou_by_distance"), list)


def _head(cell: Row) -> list[str]:
    return [str(cell["method"]), str(cell["interval"])]


def _weights(cell: Row) -> str:
    return str(cell["weights"]) if is_there(cell, "weights") else MISSING


def _values(cell: Row, columns: Sequence[Column]) -> list[str]:
    return [value_text(cell, column) for column in columns]


def value_text(cell: Row, column: Column) -> str:
    """The value and, where its interval is known, the bounds in brackets."""
    if not is_there(cell, column.field):
        return MISSING
    low, high = f"{column.field}_low", f"{column.field}_high"
    fields = (column.field, low, high) if is_there(cell, low) else (column.field,)
    value, *bounds = (f"{cell[field] * column.factor:.{column.digits}f}" for field in fields)
    return f"{value} [{', '.join(bounds)}]" if bounds else value


def _one_line(text: str, limit: int = 160) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
