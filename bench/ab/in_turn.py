"""Two versions of the code timed in turn: pairs of processes, in each of which the two take turns round by round.

The order within a pair is A B B A, and the next pair begins with the other one. So both versions meet the same drift
of the machine, and each pair gives one observation of the ratio of their times.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from msgspec import structs

from bench.ab.errors import NotMeasurableError
from bench.evaluate.lockstep import Cell
from bench.measure.time.record import DEADLINES
from bench.measure.time.stopping import FixedRounds
from bench.runs.progress import Progress
from bench.runs.records.cell import CellKey
from bench.runs.records.run import Configuration, Start
from bench.runs.write import Run, open_run
from bench.sweep.cell import CellInProgress
from bench.sweep.grid import Grid
from bench.sweep.merge_processes import merged
from bench.sweep.messages import Ready, Request, Task
from bench.sweep.prepare import prepare
from bench.sweep.run_sweep import data_configuration, machine_configuration
from bench.sweep.times import Measured, fill_in, propagating
from bench.sweep.worker_process import Interpreter, WorkerError, WorkerProcess
from mpvss.errors import UserError

PAIRS = 8
ROUNDS = 8
WARMUP_ROUNDS = 2

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Side:
    """One version: its name, the folder of its code, what runs it, and the folder that its run is written to."""

    name: str
    root: Path
    interpreter: Interpreter
    out: Path


def measure_in_turn(
    sides: tuple[Side, Side],
    request: Request,
    *,
    intervals: Sequence[int],
    pairs: int = PAIRS,
    rounds: int = ROUNDS,
    command: str = "bench.ab.measure_in_turn",
    progress: Progress | None = None,
) -> None:
    """Time two versions in turn, and write a run of each. Nothing is written until a backbone is measured.

    Args:
        sides: the base version and the new one.
        request: what is timed; its protocol, precision, samples and time limit are not used.
        intervals: key-frame intervals of the cells.
        pairs: pairs of processes.
        rounds: rounds of each process, after those of the warm-up.
        command: what the runs' files name as the command.
        progress: where progress is shown; None: on standard error.

    Raises:
        UserError: bad input.
        NotMeasurableError: what measures a version failed.
    """
    for name, value in (("pairs", pairs), ("rounds", rounds)):
        if value < 1:
            raise UserError(f"{name} is {value}; it must be 1 or more")
    progress = progress or Progress()
    setup, plan, clip = prepare(request, on="cpu")
    grid = Grid(setup.rows, setup.backbones, tuple(intervals), setup.without_key_frames)
    sitting = uuid.uuid4().hex
    runs: list[Run] = []
    for backbone in dict.fromkeys(grid.backbones):
        cells = grid.cells()
        with progress.stage(f"{backbone}: time in turn", None, "passes") as stage:
            found = [
                _measure_pair(sides, request, backbone, propagating(cells), pair, rounds, stage.advance)
                for pair in range(pairs)
            ]
        ready = [[pair[index][0] for pair in found] for index in range(2)]
        if not runs:
            runs = [
                open_run(
                    side.out,
                    Configuration(
                        **data_configuration(setup.dataset, 1, len(clip.frames)),
                        scopes=list(plan.scopes),
                        batch=plan.streams if "throughput" in plan.scopes else None,
                        frame_rate=None if setup.dataset.frame_rate is None else float(setup.dataset.frame_rate),
                        stopping=f"{pairs} pairs of processes, {rounds} rounds",
                        deadlines_ms=[1000 * deadline for deadline in DEADLINES],
                        **asdict(plan.mode),
                        execution=request.execution,
                        seed=request.seed,
                        **machine_configuration(of_side[0].weights, of_side[0].environment),
                    ),
                    grid.asked,
                    Start(command=command, environment=of_side[0].environment),
                )
                for side, of_side in zip(sides, ready, strict=True)
            ]
        for index, run in enumerate(runs):
            measured = merged([pair[index][1] for pair in found], FixedRounds(rounds))
            _save(run, backbone, cells, measured, sitting, setup.dataset.frame_rate)


def _save(
    run: Run, backbone: str, cells: Sequence[Cell], measured: Measured, sitting: str, frame_rate: Fraction | None
) -> None:
    found = {cell: CellInProgress(todo={"timing"}) for cell in cells}
    fill_in(found, measured, DEADLINES, frame_rate)
    for cell, findings in found.items():
        if findings.timing is not None:
            findings.timing = structs.replace(findings.timing, sitting=sitting)
        run.save(findings.record(CellKey(backbone, cell.method, cell.interval)))


def _measure_pair(
    sides: tuple[Side, Side],
    request: Request,
    backbone: str,
    methods: dict[str, bool],
    pair: int,
    rounds: int,
    tick: Callable[[], object],
) -> list[tuple[Ready, Measured]]:
    """What each side runs on and measured, in the order of the sides."""
    task = Task(request=request, backbone=backbone, methods=methods, process=pair, warmup_rounds=WARMUP_ROUNDS)
    with ExitStack() as stack:
        workers = [stack.enter_context(WorkerProcess(task, side.interpreter, tick)) for side in sides]
        both = list(zip(sides, workers, strict=True))
        ready = [_ready(side, worker) for side, worker in both]
        order = both if pair % 2 == 0 else both[::-1]
        for number in range(rounds):
            for side, worker in order if number % 2 == 0 else order[::-1]:
                if worker.measured is None:
                    _told(side, worker.go)
        for side, worker in both:
            if worker.measured is None:
                _told(side, worker.stop)
        return [(of_side, _measured(worker)) for of_side, worker in zip(ready, workers, strict=True)]


def _ready(side: Side, worker: WorkerProcess) -> Ready:
    ready = _told(side, worker.ready)
    if Path(ready.code) != side.root.resolve():
        raise NotMeasurableError(f"{side.name}: the code that ran is not that of {side.root} but of {ready.code}")
    return ready


def _measured(worker: WorkerProcess) -> Measured:
    assert worker.measured is not None
    return worker.measured


def _told(side: Side, say: Callable[[], Answer]) -> Answer:
    """What a worker answers; its errors name the side."""
    try:
        return say()
    except WorkerError as error:
        raise NotMeasurableError(f"{side.name} cannot be measured: {error}") from None
    except UserError as error:
        raise UserError(f"{side.name}: {error}") from None
