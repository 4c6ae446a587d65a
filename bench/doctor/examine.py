"""All that is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.data import open_dataset
from bench.doctor.backends import backends
from bench.doctor.finding import Finding
from bench.doctor.machine import machine
from bench.doctor.software import software
from bench.methods.shipped import FOLDER, MODEL, shipped_rows
from mpvss.errors import UserError


def examine(folder: Path, data: Sequence[str] = ()) -> list[Finding]:
    """Look at the machine, the software, the shipped weights and the data sets named.

    Args:
        folder: where results will go.
        data: as `open_dataset` takes them.

    """
    return [*machine(folder), *software(), *backends(), shipped_weights(), *map(data_set, data)]


def shipped_weights() -> Finding:
    """Whether the weights that come with the project can be read."""
    from safetensors import SafetensorError, safe_open

    rows = shipped_rows()
    for row in rows:
        try:
            with safe_open(FOLDER / row / MODEL, framework="pt") as file:
                file.keys()
        except (OSError, SafetensorError) as error:
            return Finding("Shipped", "weights", "broken", f"{row}: {error}", "install the project again")
    state = "yes" if rows else "broken"
    return Finding("Shipped", "weights", state, f"{len(rows)} rows", "install the project again")


def data_set(spec: str) -> Finding:
    """Whether a data set is there, and laid out as its loader needs it."""
    try:
        found = open_dataset(spec)
    except UserError as error:
        return Finding("Data", spec, "broken", str(error))
    labels = "with labels" if found.labelled else "without labels"
    return Finding("Data", spec, "yes", f"{len(found.clips)} clips, {found.num_classes} classes, {labels}")
