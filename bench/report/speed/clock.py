"""The runs of a study with times that are measurements, and none besides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bench.report.rows import Row
from bench.report.run import StudyRun, Timing
from bench.report.speed.doubts import only_timed, without_times
from bench.report.speed.join import Clock, Timed, artifact_of, joined, machine_of


def measured(run: StudyRun) -> StudyRun:
    """The run without times that are no measurement."""
    samples = run.samples
    if not samples.empty:
        keys = zip(samples["backbone"], samples["method"], strict=True)
        samples = samples[[key not in run.doubts for key in keys]]
    return replace(
        run,
        cells=[without_times(cell) if _timing_of(cell) in run.doubts else cell for cell in run.cells],
        samples=samples,
        latency=[row for row in run.latency if _timing_of(row) not in run.doubts],
    )


def with_times(runs: Sequence[StudyRun]) -> list[StudyRun]:
    """The runs, whose sweeps have the times of the runs that only timed; machines that know most rows come first."""
    clock: Clock = {}
    for run in (run for run in runs if only_timed(run.about.configuration)):
        environment = run.about.starts[-1].environment
        rows = {_timing_of(cell): cell for cell in run.cells if cell["status"] == "ok"}
        for key, row in rows.items():
            if key in run.timings and key not in run.doubts:
                timed = Timed(run.name, machine_of(environment), environment.date, run.timings[key])
                clock.setdefault(artifact_of(row, run.about.configuration), []).append(timed)

    def found(run: StudyRun, cell: Row) -> list[Timed]:
        good = cell["status"] == "ok" and not only_timed(run.about.configuration)
        return clock.get(artifact_of(cell, run.about.configuration), []) if good else []

    rows = Counter(
        machine for run in runs for cell in run.cells for machine in {timed.machine for timed in found(run, cell)}
    )
    machines = sorted(rows, key=lambda machine: (-rows[machine], machine))
    return [replace(run, cells=[joined(cell, found(run, cell), machines) for cell in run.cells]) for run in runs]


def _timing_of(row: Row) -> Timing:
    return row["backbone"], row["method"]
