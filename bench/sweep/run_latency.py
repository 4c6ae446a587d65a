"""A latency run: how long key and non-key frames take, to a target precision, into a run's folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import torch
from msgspec import structs

from bench.data import Dataset
from bench.evaluate.lockstep import Cell
from bench.evaluate.video import as_tensor
from bench.measure.environment import describe_environment
from bench.measure.time.guard import warnings_of
from bench.measure.time.methods import Plan, TimedClip
from bench.measure.time.modes import Mode
from bench.measure.time.record import DEADLINES
from bench.measure.time.samples import CLIP_LENGTH, SCOPES, Scope
from bench.measure.time.stopping import FixedRounds, Precision, Rule, WarmUp
from bench.methods.builder import Builder
from bench.methods.device import select_device
from bench.methods.names import check_names
from bench.methods.setup import Setup, set_up
from bench.runs.progress import Progress
from bench.runs.records.cell import CellKey
from bench.runs.records.run import Configuration, Start
from bench.runs.records.timing import CellTiming
from bench.runs.write import Run, open_run
from bench.sweep.cell import CellInProgress
from bench.sweep.grid import Grid
from bench.sweep.messages import Request
from bench.sweep.outcome import Outcome
from bench.sweep.replicates import PROCESSES, measure_in_processes
from bench.sweep.run_sweep import data_configuration, machine_configuration
from bench.sweep.times import Measured, fill_in, measure_methods, propagating
from mpvss.errors import UserError
from mpvss.presets import Execution
from mpvss.video import frame_size


def latency(
    out: Path | str,
    *,
    methods: Sequence[str] = ("all",),
    backbones: Sequence[str] = ("micro",),
    intervals: Sequence[int] = (1, 2, 5, 10),
    scopes: Sequence[Scope] = ("labels",),
    batch: int = 1,
    deadlines_ms: Sequence[float] | None = None,
    data: str = "generated",
    labels: str | None = None,
    classes: int | None = None,
    size: tuple[int, int] | None = None,
    weights: Sequence[str] = (),
    protocol: Literal["precise", "paper"] = "precise",
    precision: float | None = None,
    samples: int | None = None,
    time_limit: float | None = None,
    processes: int | None = None,
    execution: Execution = "lean",
    mode: Mode | None = None,
    seed: int = 0,
    device: str = "cpu",
    threads: int | None = None,
    command: str = "bench.sweep.latency",
    progress: Progress | None = None,
) -> Outcome:
    """Time key and non-key frames apart: the methods of a backbone in turn, in several processes one after the other.

    Run are the first 15 frames of the first clip, one frame at a time; in scope `throughput` of several streams.

    Args:
        out: the run's folder; made where it is missing. Cells that are there are kept.
        methods: METHOD or METHOD@LABEL, or `all`.
        backbones: names, or `all`.
        intervals: key-frame intervals that FPS is given at; it follows from the mean times.
        scopes: of `model`, `labels`, `video`, `throughput`.
        batch: streams that run at once in scope `throughput`.
        deadlines_ms: of a frame, in ms; None: those of 30 and 60 Hz, and of the data's frame rate where it is known.
        data: as `open_dataset` takes it, and with it `labels` and `classes`.
        labels: folder of label maps, for a folder of frames.
        classes: how many there are, where the data does not say.
        size: height and width that frames are made at or resized to; None: as they are.
        weights: as in a sweep.
        protocol: `precise`, or the paper's: three rounds.
        precision: width of a median's 95 % interval over the median (default 0.02).
        samples: of each kind of frame at least (default 30).
        time_limit: seconds for a backbone, over all processes, starting, building and warm-up included (default 180).
            Each process runs one round in any case.
        processes: how many share the samples and the time (default 5; 1 in the paper's protocol). One is this process.
        execution: the graph, `lean` or `paper`.
        mode: how networks are run; None: float32, eager.
        seed: of random weights and of the order.
        device: `cpu` or `cuda`.
        threads: of the CPU; None: as torch chooses.
        command: what the run's file names as the command.
        progress: where progress is shown; None: on standard error.

    Raises:
        UserError: bad input, or a folder that holds a run of another configuration; nothing is written then.
    """
    _check_deadlines(deadlines_ms)
    request = Request(
        methods=tuple(methods),
        backbones=tuple(backbones),
        scopes=tuple(scopes),
        batch=batch,
        data=data,
        labels=labels,
        classes=classes,
        size=size,
        weights=tuple(weights),
        protocol=protocol,
        precision=precision,
        samples=samples,
        time_limit=time_limit,
        execution=execution,
        mode=mode,
        seed=seed,
        device=device,
        threads=threads,
    )
    processes = _processes(processes, protocol)
    # The processes that measure have the card to themselves.
    setup, plan, clip = prepare(request, on="cpu" if processes > 1 else device)
    grid = Grid(setup.rows, setup.backbones, tuple(intervals), setup.without_key_frames)
    deadlines = _deadlines(deadlines_ms, setup.dataset.frame_rate)
    setup.check_weights()
    environment = describe_environment(select_device(device))
    run = open_run(
        Path(out),
        Configuration(
            **data_configuration(setup.dataset, 1, len(clip.frames)),
            scopes=list(plan.scopes),
            batch=plan.streams if "throughput" in plan.scopes else None,
            stopping=str(plan.rule) if processes == 1 else f"{processes} processes, {plan.rule}",
            deadlines_ms=[1000 * deadline for deadline in deadlines],
            frame_rate=None if setup.dataset.frame_rate is None else float(setup.dataset.frame_rate),
            **asdict(plan.mode),
            execution=execution,
            seed=seed,
            **machine_configuration(setup.weights.identity(), environment),
        ),
        grid.asked,
        Start(command=command, environment=environment),
    )
    progress = progress or Progress()
    height, width = frame_size(clip.frames[0])
    progress.say(
        f"frames of {height}x{width} (height x width), {setup.num_classes} classes, data {setup.dataset.identity}"
    )
    timing = _Timing(grid, clip, plan, deadlines, run, setup.build, progress, request, processes)
    failed = [key for backbone in dict.fromkeys(grid.backbones) for key in timing.run_backbone(backbone)]
    run.finish()
    return Outcome(Path(out), tuple(failed))


def prepare(request: Request, on: str | None = None) -> tuple[Setup, Plan, TimedClip]:
    """Open and check what a request names, on its device or on another one.

    Raises:
        UserError: bad input.
    """
    plan = _plan(
        request.protocol,
        request.scopes,
        request.batch,
        request.mode or Mode(),
        request.seed,
        width=request.precision,
        minimum=request.samples,
        time_limit=request.time_limit,
    )
    plan.mode.check(select_device(request.device))
    setup = set_up(
        methods=request.methods,
        backbones=request.backbones,
        data=request.data,
        labels=request.labels,
        classes=request.classes,
        size=request.size,
        weights=request.weights,
        execution=request.execution,
        seed=request.seed,
        device=on or request.device,
        threads=request.threads,
        ground_truth_flow=False,
    )
    clip = timed_clip(setup.dataset, plan, setup.device)
    if request.protocol == "paper" and len(clip.frames) < CLIP_LENGTH:
        raise UserError(
            f"the first clip of {request.data} has {len(clip.frames)} frames; the paper's protocol needs {CLIP_LENGTH}"
        )
    return setup, plan, clip


def timed_clip(dataset: Dataset, plan: Plan, device: torch.device) -> TimedClip:
    """The first frames of the data's first clip, on the device.

    Raises:
        UserError: scope `video` of data whose frames are not decoded, or come with labels that are read too.
    """
    clip = dataset.clips[0]
    if "video" in plan.scopes and dataset.labelled:
        raise UserError(
            f"scope video times decoding, and {dataset.name} is not decoded alone: its labels are read or made with "
            "it; give video:PATH, or folder:PATH without labels"
        )

    def decode():
        return (as_tensor(frame.image, device) for frame in islice(clip.frames(), CLIP_LENGTH))

    return TimedClip(list(decode()), decode, dataset.frame_rate)


@dataclass(frozen=True)
class _Timing:
    """What the backbones of one latency run have in common."""

    grid: Grid
    clip: TimedClip
    plan: Plan
    deadlines: Sequence[float]
    run: Run
    build: Builder
    progress: Progress
    request: Request
    processes: int

    def run_backbone(self, backbone: str) -> list[CellKey]:
        """Time the cells of a backbone that are missing or failed; those that failed now."""
        found = self._todo(backbone)
        if not found:
            self.progress.say(f"{backbone}: all cells are there")
            return []
        with self.progress.stage(f"{backbone}: time", None, "passes") as stage:
            measured = self._measure(backbone, propagating(found), stage.advance)
            fill_in(found, measured, self.deadlines, self.clip.frame_rate)
        failed = []
        for cell, findings in found.items():
            key = CellKey(backbone, cell.method, cell.interval)
            self.run.save(findings.record(key))
            if findings.errors:
                failed.append(key)
                self.progress.say(f"{backbone}: {cell.method} failed: {findings.errors['timing']}")
        timings = [findings.timing for findings in found.values() if findings.timing is not None]
        for text in _remarks(timings[0], self.plan.rule, self.processes) if timings else ():
            self.progress.say(f"{backbone}: {text}")
        return failed

    def _measure(self, backbone: str, methods: dict[str, bool], tick: Callable[[], object]) -> Measured:
        if self.processes == 1:
            return measure_methods(methods, backbone, self.clip, self.plan, self.build, tick=tick)
        return measure_in_processes(self.request, backbone, methods, self.plan.rule, self.processes, tick)

    def _todo(self, backbone: str) -> dict[Cell, CellInProgress]:
        found = {}
        for cell in self.grid.cells(backbone):
            record = self.run.load(CellKey(backbone, cell.method, cell.interval))
            if record is None or record.errors:
                found[cell] = CellInProgress(todo={"timing"})
        return found


def _plan(protocol: str, scopes: Sequence[Scope], batch: int, mode: Mode, seed: int, **given: float | None) -> Plan:
    check_names(scopes, SCOPES, "scope")
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if protocol == "paper" and chosen:
        raise UserError("precision, samples and time limit are of the precise protocol; the paper's is three rounds")
    rule: Rule = FixedRounds(3) if protocol == "paper" else Precision(**chosen)
    warmup = WarmUp(tolerance=None, most=1) if protocol == "paper" else WarmUp()
    return Plan(scopes=tuple(scopes), rule=rule, warmup=warmup, mode=mode, seed=seed, streams=batch, energy=True)


def _processes(asked: int | None, protocol: str) -> int:
    if asked is None:
        return 1 if protocol == "paper" else PROCESSES
    if asked < 1:
        raise UserError(f"processes is {asked}; it must be 1 or more")
    return asked


def _check_deadlines(milliseconds: Sequence[float] | None) -> None:
    for value in milliseconds or ():
        if not value > 0:
            raise UserError(f"a deadline is {value} ms; it must be above 0")


def _deadlines(milliseconds: Sequence[float] | None, frame_rate: Fraction | None) -> tuple[float, ...]:
    """The deadlines given, in seconds; or the usual ones and that of the data's frame rate."""
    if milliseconds:
        return tuple(value / 1000 for value in milliseconds)
    own = () if frame_rate is None else (float(1 / frame_rate),)
    return tuple(dict.fromkeys([*DEADLINES, *own]))


def _remarks(timing: CellTiming, rule: Rule, processes: int) -> list[str]:
    """How the sampling of a group of methods went, and what a reader must know of it."""
    before = timing.before_seconds or 0.0
    taken = f"{_rounds(timing.rounds)} in {timing.seconds:.1f} s after {before:.1f} s of building and warm-up"
    remarks = [f"{taken}, ended by {timing.stopped}"]
    if rule.out_of_time(before):
        remarks.append(
            "building and warm-up alone passed the time limit, so one round was timed"
            + (" by each process" if processes > 1 else "")
        )
    if timing.stopped == "time limit":
        remarks.append("not every median is as precise as was asked for; see its 95 % interval")
    if timing.stopped == "processes":
        remarks.append("the processes differ by more than the precision asked for; see each median's 95 % interval")
    if timing.warmup_stable is False:
        remarks.append(f"times had not settled after {_rounds(timing.warmup_rounds)} of warm-up")
    return remarks + (warnings_of(structs.asdict(timing.guard)) if timing.guard is not None else [])


def _rounds(count: int | None) -> str:
    return f"{count} {'round' if count == 1 else 'rounds'}"
