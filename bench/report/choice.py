"""Which configuration to use: rows of one data set with an accuracy and a cost, and the cheapest that qualify."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench.methods.names import GROUND_TRUTH_FLOW, method_of
from bench.report.figures.tradeoff import costs_of
from bench.report.rows import Row, is_there, is_untrained
from bench.report.run import Bounded, StudyRun
from bench.report.speed.join import artifact_of
from bench.report.study import Study

COUNTED = "GMACs a frame"
MARGIN = 2.0
"""Points of mIoU that are given up for a cheaper configuration: the paper's "up to 2%"."""


@dataclass(frozen=True)
class Option:
    """A configuration on a data set.

    Attributes:
        cell: its row; of several runs on the same data, the first that has it.
        less: what its mIoU is over that of per-frame, in points, with the paired interval; None where it is not known.
        costs: what a frame costs, by the cost's name; times and energy are of a machine.

    """

    cell: Row
    less: Bounded | None = None
    costs: dict[str, float] = field(default_factory=dict)

    @property
    def miou(self) -> float:
        """In %, to four digits, as the page has it."""
        return round(100 * float(self.cell["miou"]), 4)

    @property
    def name(self) -> str:
        """Method, backbone and interval."""
        untrained = " (untrained)" if is_untrained(self.cell) else ""
        return f"{self.cell['method']}, {self.cell['backbone']}, interval {self.cell['interval']}{untrained}"


@dataclass(frozen=True)
class DataSet:
    """What was scored on the same clips: of one or several runs."""

    name: str
    runs: tuple[StudyRun, ...]
    options: tuple[Option, ...]

    @property
    def costs(self) -> list[str]:
        """The costs that any configuration has: those on a machine first, since they are what one waits for."""
        names = dict.fromkeys(name for option in self.options for name in option.costs)
        return sorted(names, key=lambda name: name == COUNTED)

    @property
    def floor(self) -> float:
        """Accuracy to begin with, in %: a margin under the best that can be had, in whole or half points."""
        best = max((option.miou for option in self.options if option.costs), default=0.0)
        return max(0.0, int(2 * (best - MARGIN)) / 2)


def data_sets(study: Study) -> list[DataSet]:
    """What the study has accuracies on, that with most configurations first."""
    groups: dict[str, list[StudyRun]] = {}
    for run in study.runs:
        if run.scored:
            groups.setdefault(data_name(run), []).append(run)
    found = [DataSet(name, tuple(runs), tuple(_options(runs))) for name, runs in groups.items()]
    return sorted(found, key=lambda data: -len(data.options))


def data_name(run: StudyRun) -> str:
    """The data that a run scored, with its limits."""
    configuration = run.about.configuration
    limits = [(configuration.clips, "clips"), (configuration.frames, "frames")]
    named = [f"first {limit} {what}" for limit, what in limits if limit is not None]
    return ", ".join([configuration.data.replace(":", ": ", 1).replace(",", ", "), *named])


def choose(options: Iterable[Option], floor: float, cost: str, budget: float | None = None) -> list[Option]:
    """The configurations of at least `floor` % mIoU that cost no more than `budget`, the cheapest first."""
    limit = float("inf") if budget is None else budget
    fits = [o for o in options if o.miou >= floor and o.costs.get(cost, float("inf")) <= limit and cost in o.costs]
    return sorted(fits, key=lambda option: (option.costs[cost], -option.miou))


def runner_up(chosen: Sequence[Option]) -> Option | None:
    """The next cheapest of another method or backbone; None where all are of one."""
    return next((option for option in chosen[1:] if _series(option) != _series(chosen[0])), None)


def page_costs(cell: Row) -> dict[str, float]:
    """What a frame costs by name, to six figures: counted, and measured on each machine. A key frame takes longest."""
    costs = {name: cost for name, cost in costs_of(cell).items() if name == COUNTED}
    timed = cell.get("timed")
    for machine, times in timed.items() if isinstance(timed, dict) else ():
        measured = {**costs_of({**times, "interval": cell["interval"]})}
        if is_there(times, "p50_key_ms"):
            measured["ms a key frame"] = float(times["p50_key_ms"])
        costs |= {f"{name} on {machine}": cost for name, cost in measured.items()}
    return {name: float(f"{cost:.6g}") for name, cost in costs.items()}


def _options(runs: Sequence[StudyRun]) -> Iterable[Option]:
    """Good rows with an accuracy; ground-truth flow is a ceiling, and no method that could be chosen."""
    seen = set()
    for run in runs:
        less = run.less_per_frame
        for cell in run.cells:
            key = (artifact_of(cell, run.about.configuration), int(cell["interval"]))
            if cell["status"] != "ok" or not is_there(cell, "miou") or key in seen:
                continue
            if method_of(cell["method"]) != GROUND_TRUTH_FLOW:
                seen.add(key)
                yield Option(cell, less.get(run.key(cell)), page_costs(cell))


def _series(option: Option) -> tuple[str, str]:
    return option.cell["method"], option.cell["backbone"]
