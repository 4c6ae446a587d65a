"""The gate: measure the counters of the code at hand, and hold them against the committed ones."""

from __future__ import annotations

from pathlib import Path

from bench.compare.comparison import Comparison
from bench.gate.baseline import compare_counters, read_baseline
from bench.gate.counters import measure_counters
from bench.runs.files import make_folder
from bench.runs.record_file import write_record

DATA = "synthetic:clips=3,frames=6"


def check(baseline: Path, out: Path | None = None) -> Comparison:
    """Every counter of the baseline, judged; what was measured is written to `out`.

    Raises:
        UserError: there is no such baseline, or it is damaged.
        NotComparableError: it is of other weights, clips or another version of torch.
    """
    committed = read_baseline(baseline)
    found = measure_counters(DATA)
    if out is not None:
        write_record(out, found)
    return Comparison(f"this code against {baseline}", compare_counters(committed, found))


def update(baseline: Path) -> None:
    """Measure the counters, and write them as the baseline; its folder is made where it is missing."""
    make_folder(baseline.parent)
    write_record(baseline, measure_counters(DATA))
