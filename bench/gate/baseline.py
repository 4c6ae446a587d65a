"""Counters of the code at hand against those of a committed file. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.compare.counters import PARAMETERS, Counter, Finding, judge_operators
from bench.compare.errors import NotComparableError
from bench.runs.record_file import read_record
from bench.runs.records.baseline import Baseline
from mpvss.errors import UserError

MIOU = Counter("miou", 0.005, 1)
"""A label on the edge of two classes may fall to the other on another processor."""
MACS = Counter("macs", 0.0, -1)
PEAK_BYTES = Counter("peak_bytes", 0.01, -1)
"""When a tensor is freed that nothing uses differs a little between versions of Python."""


def read_baseline(path: Path) -> Baseline:
    """The content of a baseline's file.

    Raises:
        UserError: there is none, or it is damaged.
    """
    if not path.is_file():
        raise UserError(f"{path} is not a file; `mpvss-bench gate --update` measures a baseline and writes it")
    return read_record(path, Baseline)


def compare_counters(base: Baseline, new: Baseline) -> list[Finding]:
    """Every counter of the baseline, judged; a method that is there no more is BROKEN.

    Raises:
        NotComparableError: the conditions differ.
    """
    names = sorted(base.conditions.__struct_fields__)
    pairs = {name: (getattr(base.conditions, name), getattr(new.conditions, name)) for name in names}
    reasons = "; ".join(f"{name}: {was} against {now}" for name, (was, now) in pairs.items() if was != now)
    if reasons:
        raise NotComparableError(
            f"the baseline was measured under other conditions ({reasons}); where that is meant, "
            "`mpvss-bench gate --update` measures it anew"
        )
    return [finding for method in base.methods for finding in _of_method(method, base, new)]


def _of_method(method: str, base: Baseline, new: Baseline) -> Iterator[Finding]:
    backbone = base.conditions.backbone
    before, after = base.methods[method], new.methods.get(method)
    if after is None:
        yield Finding(backbone, method, "method", 1, 0, "BROKEN", "not there any more")
        return
    for counter in (PARAMETERS, MIOU):
        yield _judged(backbone, method, counter, counter.field, before, after)
    for kind, was in before.kinds.items():
        now = after.kinds.get(kind)
        if now is None:
            yield Finding(backbone, method, f"{kind} frames", 1, 0, "BROKEN", "not there any more")
            continue
        for counter in (MACS, PEAK_BYTES):
            yield _judged(backbone, method, counter, f"{counter.field} of {kind} frames", was, now)
        total, calls, verdict, detail = judge_operators(was.operators, now.operators)
        yield Finding(backbone, method, f"operators of {kind} frames", total, calls, verdict, detail)


def _judged(backbone: str, method: str, counter: Counter, name: str, before: object, after: object) -> Finding:
    was, now = getattr(before, counter.field), getattr(after, counter.field)
    verdict, detail = counter.judge(was, now)
    return Finding(backbone, method, name, was, now, verdict, detail)
