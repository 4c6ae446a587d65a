"""Counters of the code at hand against those of a committed file. Imports no torch.

The file holds `conditions`, what the counters depend on beside the code, and for each of the `methods`: `parameters`,
`miou` (0..1), and by the `kinds` of frame `macs` executed, `peak_bytes`, the most that a frame's tensors hold at one
time beside the weights and the state before it, and the calls of its `operators`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.compare.counters import PARAMETERS, Counter, Finding, judge_operators
from bench.compare.errors import NotComparableError
from mpvss.errors import UserError

SCHEMA = 2
MIOU = Counter("miou", 0.005, 1)
"""A label on the edge of two classes may fall to the other on another processor."""
MACS = Counter("macs", 0.0, -1)
PEAK_BYTES = Counter("peak_bytes", 0.01, -1)
"""When a tensor is freed that nothing uses differs a little between versions of Python."""


def read_baseline(path: Path) -> dict[str, Any]:
    """The content of a baseline's file.

    Raises:
        UserError: there is none, or it is damaged.
    """
    if not path.is_file():
        raise UserError(f"{path} is not a file; `mpvss-bench gate --update` measures a baseline and writes it")
    try:
        baseline = json.loads(path.read_text())
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); `mpvss-bench gate --update` writes it anew") from None
    if not isinstance(baseline, dict) or baseline.get("schema") != SCHEMA:
        raise UserError(f"{path} is no baseline of schema {SCHEMA}; `mpvss-bench gate --update` writes it anew")
    return baseline


def compare_counters(base: Mapping[str, Any], new: Mapping[str, Any]) -> list[Finding]:
    """Every counter of the baseline, judged; a method that is there no more is BROKEN.

    Raises:
        NotComparableError: the conditions differ.
    """
    before, after = base["conditions"], new["conditions"]
    differing = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    if differing:
        reasons = "; ".join(f"{name}: {before.get(name)} against {after.get(name)}" for name in differing)
        raise NotComparableError(
            f"the baseline was measured under other conditions ({reasons}); where that is meant, "
            "`mpvss-bench gate --update` measures it anew"
        )
    return [finding for method in base["methods"] for finding in _of_method(method, base, new)]


def _of_method(method: str, base: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    backbone = base["conditions"]["backbone"]
    before, after = base["methods"][method], new["methods"].get(method)
    if after is None:
        yield Finding(backbone, method, "method", 1, 0, "BROKEN", "not there any more")
        return
    for counter in (PARAMETERS, MIOU):
        verdict, detail = counter.judge(before[counter.field], after[counter.field])
        yield Finding(backbone, method, counter.field, before[counter.field], after[counter.field], verdict, detail)
    for kind, was in before["kinds"].items():
        now = after["kinds"][kind]
        for counter in (MACS, PEAK_BYTES):
            verdict, detail = counter.judge(was[counter.field], now[counter.field])
            name = f"{counter.field} of {kind} frames"
            yield Finding(backbone, method, name, was[counter.field], now[counter.field], verdict, detail)
        total, calls, verdict, detail = judge_operators(was["operators"], now["operators"])
        yield Finding(backbone, method, f"operators of {kind} frames", total, calls, verdict, detail)
