"""A latency run: how long key and non-key frames take, to a target precision, into a run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Literal

from bench.measure.environment import describe_environment
from bench.measure.time.modes import Mode
from bench.measure.time.record import DEADLINES
from bench.measure.time.samples import Scope
from bench.methods.device import select_device
from bench.runs.progress import Progress
from bench.runs.records.run import Configuration, Start
from bench.runs.write import open_run
from bench.sweep.grid import Grid
from bench.sweep.latency_timing import LatencyTiming
from bench.sweep.messages import Request
from bench.sweep.outcome import Outcome
from bench.sweep.prepare import prepare
from bench.sweep.replicates import PROCESSES
from bench.sweep.run_sweep import data_configuration, machine_configuration
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
    timing = LatencyTiming(grid, clip, plan, deadlines, run, setup.build, progress, request, processes)
    failed = [key for backbone in dict.fromkeys(grid.backbones) for key in timing.run_backbone(backbone)]
    run.finish()
    return Outcome(Path(out), tuple(failed))


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
