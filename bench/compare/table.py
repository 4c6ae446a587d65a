"""A comparison's findings as a table that reads well on a terminal and is Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.compare.counters import REGRESSIONS, Finding

HEADERS = ("Verdict", "Backbone", "Method", "Quantity", "Base", "New", "Detail")


def verdict_text(title: str, findings: Sequence[Finding], remarks: Sequence[str] = (), *, all_rows: bool) -> str:
    """A line that counts the verdicts, a table of what did not stay the same (or all of it), and the remarks.

    Regressions come first.
    """
    from tabulate import tabulate

    counts = Counter(finding.verdict for finding in findings)
    summary = ", ".join(f"{counts[verdict]} {verdict}" for verdict in sorted(counts, key=_gravity))
    text = f"**{title}:** {summary or 'nothing to compare'}\n"
    shown = sorted((f for f in findings if all_rows or f.verdict != "SAME"), key=lambda f: _gravity(f.verdict))
    if shown:
        rows = [[f.verdict, f.backbone, f.method, f.quantity, _number(f.base), _number(f.new), f.detail] for f in shown]
        align = ("left", "left", "left", "left", "right", "right", "left")
        text += "\n" + tabulate(rows, HEADERS, tablefmt="github", colalign=align, disable_numparse=True) + "\n"
    return text + "".join(["\n", *(f"- {remark}\n" for remark in remarks)] if remarks else [])


def _gravity(verdict: str) -> int:
    order = (*REGRESSIONS, "UNCLEAR", "BETTER", "FASTER", "SAME")
    return order.index(verdict)


def _number(value: float) -> str:
    """Counts whole, with their thousands apart; all else with four significant digits."""
    return f"{int(value):,}" if float(value).is_integer() else f"{value:.4g}"
