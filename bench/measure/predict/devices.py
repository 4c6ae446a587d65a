"""Devices by name: their most arithmetic and bandwidth, from data files that a user can add to."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from mpvss.errors import UserError

Precision = Literal["float32", "tf32", "float16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
KNOWN = Path(__file__).with_name("devices.toml")


@dataclass(frozen=True)
class Device:
    """What a data sheet says."""

    name: str
    bandwidth: float
    """GB/s."""
    source: str
    float32: float | None = None
    """TFLOP/s, as of the formats below."""
    tf32: float | None = None
    float16: float | None = None
    launch_us: float | None = None
    """What starting a kernel takes, in microseconds; None: as fitted."""

    def macs_per_second(self, precision: Precision) -> float:
        """Multiply-accumulates a second at most: half the FLOPs.

        Raises:
            UserError: the device has no such format.
        """
        teraflops = getattr(self, precision)
        if teraflops is None:
            offered = ", ".join(x for x in PRECISIONS if getattr(self, x) is not None)
            raise UserError(f"no {precision} figure is known of {self.name}; known are {offered}")
        return teraflops * 1e12 / 2

    def bytes_per_second(self) -> float:
        """The bandwidth."""
        return self.bandwidth * 1e9


def read_devices(file: Path | None = None) -> dict[str, Device]:
    """The known devices, and those of `file` beside or in place of them.

    Raises:
        UserError: the file is missing or no TOML; a device lacks a figure, or has one that is no positive number.
    """
    devices = _read(KNOWN)
    return devices if file is None else {**devices, **_read(file)}


def _read(file: Path) -> dict[str, Device]:
    if not file.is_file():
        raise UserError(f"{file} is not a file; it must be TOML, with a table for each device as in {KNOWN.name}")
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{file} is not TOML: {error}") from None
    return {name: _device(file, name, table) for name, table in tables.items()}


def _device(file: Path, name: str, table: Any) -> Device:
    known = {field.name for field in fields(Device)}
    if not isinstance(table, Mapping) or not {"name", "bandwidth", "source"} <= set(table) <= known:
        raise UserError(
            f"{file}: [{name}] must have name, bandwidth and source, and may have "
            f"{', '.join((*PRECISIONS, 'launch_us'))}; it has {_listed(table)}"
        )
    for key, value in table.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if key not in ("name", "source") and not (is_number and 0 < value < math.inf):
            raise UserError(f"{file}: {key} of [{name}] is {value!r}; it must be a positive number")
    if not any(precision in table for precision in PRECISIONS):
        raise UserError(f"{file}: [{name}] must have one or more of {', '.join(PRECISIONS)}, in TFLOP/s")
    return Device(**table)


def _listed(table: Any) -> str:
    return ", ".join(table) if isinstance(table, Mapping) else repr(table)
