"""Latency runs at several frame sizes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.sweep.outcome import Outcome
from bench.sweep.run_latency import latency
from mpvss.errors import UserError


def latency_at_sizes(out: Path | str, sizes: Sequence[tuple[int, int]], **settings: Any) -> list[Outcome]:
    """Time methods at each frame size, height and width: a run of `latency` each, in `OUT/HEIGHTxWIDTH`.

    `settings` are those of `bench.sweep.latency`. The runs are compared one by one, and `bench.report.report` on `out`
    has the curve of time against size.

    Raises:
        UserError: as `latency`; no size, or `out` holds a run itself.
    """
    out = Path(out)
    if not sizes:
        raise UserError("no frame size is given; give one or more, as 480x853")
    if (out / "run.json").exists():
        raise UserError(f"{out} holds a run of one frame size; choose another folder for several")
    return [latency(out / f"{height}x{width}", size=(height, width), **settings) for height, width in sizes]
