"""Records with planted numbers, as a sweep writes them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bench.runs.records.cell import CellRecord
from bench.runs.records.environment import Environment
from bench.runs.records.run import Asked, Configuration, Start

ENVIRONMENT = Environment(
    date="then", device="cpu", cpu="some", threads=1, os="o", python="3", libraries={"torch": "2"}, commit=None
)
START = Start(command="mpvss-bench sweep", environment=ENVIRONMENT)
MEASURED = dict.fromkeys(("accuracy", "clips", "cost", "timing", "memory"))
"""Nothing."""


def configuration(classes: Sequence[str] = ("a", "b"), **fields) -> Configuration:
    return Configuration(**{"data": "made", "classes": list(classes), "execution": "lean", "seed": 0, **fields})


def asked(methods: Sequence[str], backbones: Sequence[str], intervals: Sequence[int]) -> Asked:
    return Asked(methods=list(methods), backbones=list(backbones), intervals=list(intervals))


def cell_record(backbone: str, method: str, interval: int, **parts) -> CellRecord:
    """A cell of which the parts that are given were measured, checked as a file is."""
    content = {"weights": "untrained", "errors": {}, **MEASURED, **parts}
    given = msgspec.to_builtins(content, enc_hook=float)
    return msgspec.convert({"backbone": backbone, "method": method, "interval": interval, **given}, CellRecord)
