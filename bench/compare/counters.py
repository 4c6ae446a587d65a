"""What a comparison finds, and the verdict on quantities without noise. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

REGRESSIONS = ("BROKEN", "WORSE", "SLOWER")
"""The verdicts that a gate stops at, the gravest first."""


@dataclass(frozen=True)
class Finding:
    """One quantity of one method, or of one cell of it, before and after."""

    backbone: str
    method: str
    quantity: str
    base: float
    new: float
    verdict: str
    detail: str = ""

    @property
    def is_regression(self) -> bool:
        """Whether a gate should stop here."""
        return self.verdict in REGRESSIONS


@dataclass(frozen=True)
class Counter:
    """A quantity without noise, and what change of it is one."""

    field: str
    tolerance: float
    """Relative; a change up to this is none."""
    better: int
    """1 where more is better, -1 where less is, 0 where any change must be looked at."""

    def judge(self, base: float, new: float) -> tuple[str, str]:
        """SAME, BETTER or WORSE, and the relative change with the tolerance in words; no words for equal values."""
        if new == base:
            return "SAME", ""
        change = new - base
        size = f"{100 * change / abs(base):+.3g} %" if base else f"{change:+g}"
        detail = f"{size} (tolerance {100 * self.tolerance:g} %)" if self.tolerance else size
        if abs(change) <= self.tolerance * abs(base):
            return "SAME", detail
        return ("BETTER" if change * self.better > 0 else "WORSE"), detail


PARAMETERS = Counter("parameters", 0.0, 0)
OPERATORS = Counter("operators", 0.0, -1)


def judge_operators(base: Mapping[str, int], new: Mapping[str, int]) -> tuple[int, int, str, str]:
    """All calls of both sides, the verdict, and which operators changed.

    Fewer calls are BETTER and more are WORSE. As many calls of other operators are WORSE: they must be looked at.
    """
    total, after = sum(base.values()), sum(new.values())
    changed = [
        f"{name} {base.get(name, 0)} → {new.get(name, 0)}"
        for name in sorted({*base, *new})
        if base.get(name, 0) != new.get(name, 0)
    ]
    verdict, _ = OPERATORS.judge(total, after)
    return total, after, ("WORSE" if changed and total == after else verdict), ", ".join(changed)
