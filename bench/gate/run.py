"""The gate: measure the counters of the code at hand, and hold them against the committed ones."""

from __future__ import annotations

from pathlib import Path

from bench.compare.counters import Finding
from bench.gate.baseline import compare_counters, read_baseline
from bench.gate.counters import measure_counters
from bench.runs.results import write_json

DATA = "synthetic:clips=3,frames=6"


def check(baseline: Path, out: Path | None = None) -> list[Finding]:
    """Every counter of the baseline, judged; what was measured is written to `out`.

    Raises:
        UserError: there is no such baseline, or it is damaged.
        NotComparableError: it is of other weights, clips or another version of torch.
    """
    committed = read_baseline(baseline)
    found = measure_counters(DATA)
    if out is not None:
        write_json(out, found)
    return compare_counters(committed, found)


def update(baseline: Path) -> None:
    """Measure the counters, and write them as the baseline."""
    write_json(baseline, measure_counters(DATA))
