"""The report in a few sentences: what was found, where and how it was measured, and what to be careful with."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.choice import MARGIN
from bench.report.contents import Report
from bench.report.figures.tradeoff import costs_of
from bench.report.rows import Row, is_there, is_untrained
from bench.report.run import StudyRun
from bench.report.study import Study
from bench.runs.records.run import RunRecord


def summary(report: Report) -> list[str]:
    """What each run and count found, in a sentence or two."""
    lines = []
    counted = report.study.paper_costs
    if counted:
        off = [c for c in counted if abs(c.counted / c.printed - 1) > 0.01]
        names = ", ".join(f"{c.method} {c.backbone} in Table {c.table}" for c in off)
        lines.append(
            f"{len(counted)} MACs and parameters that the paper prints were counted on the published graphs; "
            f"{len(counted) - len(off)} agree within 1 %" + (f"; the others are of {names}." if off else ".")
        )
    lines += [line for run in report.study.runs for line in _of_run(run)]
    if not report.study.runs:
        lines.append("No sweep is among what this report was made from.")
    return lines


def warning(study: Study) -> str:
    """A warning about random weights; empty where there are none."""
    runs = [run.name for run in study.runs if run.scored and any(map(is_untrained, run.cells))]
    return (
        f"Rows marked untrained (in {', '.join(runs)}) have random weights: their accuracy says nothing about the "
        "method. On a CPU the time to find labels depends on the weights too."
        if runs
        else ""
    )


def setting_lines(about: RunRecord) -> list[str]:
    """A run's data, settings and machine, and date and commit of its last start."""
    configuration = about.configuration
    environment = about.starts[-1].environment
    limits = [
        f"the first {_count(limit, what)}"
        for limit, what in ((configuration.clips, "clip"), (configuration.frames, "frame"))
        if limit is not None
    ]
    data = f"Data: {configuration.data}" + (f" ({', of each '.join(reversed(limits))})" if limits else "")
    timing = f"Times: {configuration.stopping}" if configuration.stopping else ""
    lines = [
        data,
        f"{len(configuration.classes)} classes, execution {configuration.execution}, seed {configuration.seed}",
        timing,
        f"{environment.device} · {environment.cpu} · {_count(environment.threads, 'thread')} · "
        f"torch {environment.libraries.get('torch') or 'unknown'} · Python {environment.python} · {environment.os}",
        f"{environment.date}, commit {environment.commit or 'unknown'}",
    ]
    return [line for line in lines if line]


def _of_run(run: StudyRun) -> Iterator[str]:
    failed = sum(cell["status"] != "ok" for cell in run.cells)
    yield (
        f"{run.name}: {_count(len(run.cells), 'configuration')} of {', '.join(run.rows)} with "
        f"{', '.join(run.backbones)} on {run.about.configuration.data}"
        + (f"; {failed} failed." if failed else ".")
        + ("" if run.scored else " None has an accuracy.")
    )
    trained = [c for c in run.cells if is_there(c, "miou") and costs_of(c) and not is_untrained(c)]
    if not trained:
        return
    best = max(trained, key=lambda cell: cell["miou"])
    name = next(iter(costs_of(best)))
    near = [c for c in trained if 100 * (best["miou"] - c["miou"]) <= MARGIN and name in costs_of(c)]
    cheapest = min(near, key=lambda cell: costs_of(cell)[name])
    near = f"the cheapest within {MARGIN:g} points of it is {_named(cheapest)}"
    yield f"{run.name}: the most accurate is {_named(best)}; {near}."


def _named(cell: Row) -> str:
    costs = " and ".join(f"{cost:.3g} {name}" for name, cost in costs_of(cell).items())
    row = f"{cell['method']} with {cell['backbone']} at interval {cell['interval']}"
    return f"{row} (mIoU {100 * cell['miou']:.1f} %, {costs})"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
