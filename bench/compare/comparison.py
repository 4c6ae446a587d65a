"""What a comparison says: findings, remarks, and whether a gate stops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.compare.counters import Finding
from bench.compare.table import verdict_text


@dataclass(frozen=True)
class Comparison:
    """What changed from one measurement to another.

    Attributes:
        title: which measurements.
        findings: every quantity that both hold, judged.
        remarks: cells that only one has, and what else differs between the two.

    """

    title: str
    findings: Sequence[Finding]
    remarks: Sequence[str] = ()

    @property
    def is_regression(self) -> bool:
        """Whether a gate should stop here: something is BROKEN, WORSE or SLOWER."""
        return any(finding.is_regression for finding in self.findings)

    @property
    def is_unclear(self) -> bool:
        """Whether a quantity could not be judged."""
        return any(finding.verdict == "UNCLEAR" for finding in self.findings)

    def text(self, *, all_rows: bool = False) -> str:
        """How many quantities have each verdict, and a table of those that changed, or of all, in Markdown."""
        return verdict_text(self.title, self.findings, self.remarks, all_rows=all_rows)
