"""Quantiles with their bounds for times of runs that did not record bounds."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.measure.time.record import quantile_fields
from bench.report.rows import Row, is_there

OF_A_ROW = ["backbone", "method", "scope", "kind"]


def with_quantiles(rows: Sequence[Row], samples: pd.DataFrame) -> list[Row]:
    """The rows of `bench.runs.read.read_latency`, with p90 and p99 as today's runs record them.

    Runs of earlier versions have p90 and p99 without bounds, also from few samples. Both follow from the `samples`
    that every run keeps, as `bench.runs.read.read_samples` gives them.
    """
    if samples.empty or all(is_there(row, "p90_low_ms") for row in rows):
        return list(rows)
    groups: dict[tuple[object, ...], list[list[float]]] = {}
    for key, times in samples[~samples["warmup"]].groupby([*OF_A_ROW, "process"])["seconds"]:
        groups.setdefault(key[:-1], []).append(times.tolist())  # type: ignore[index]
    completed: list[Row] = []
    for row in rows:
        processes = groups.get(tuple(row[name] for name in OF_A_ROW))
        completed.append(row if processes is None else {**row, **quantile_fields(processes)})
    return completed
