"""`mpvss-bench latency`: from the command line's arguments to a run's folder and a table."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, cast

import torch

from bench.cli.main import INTERRUPTED, known_names
from bench.data import Dataset, open_dataset
from bench.evaluate.video import as_tensor
from bench.measure.environment import describe_environment
from bench.measure.time.guard import warnings_of
from bench.measure.time.methods import Plan, TimedClip
from bench.measure.time.modes import mode_of
from bench.measure.time.record import DEADLINES
from bench.measure.time.samples import CLIP_LENGTH, SCOPES, Scope
from bench.measure.time.stopping import FixedRounds, Precision, Rule, WarmUp
from bench.methods.builder import Builder, registry_builder
from bench.methods.device import select_device, set_threads
from bench.methods.names import METHODS, backbone_names, known_methods, method_of
from bench.report.tables.latency import latency_table, speed_table
from bench.runs.progress import Progress
from bench.runs.results import CellKey, Run, open_run, read_latency, read_run, write_atomically
from bench.sweep.cell import Findings
from bench.sweep.run import parse_weights
from bench.sweep.sweep import Grid
from bench.sweep.times import measure_times
from mpvss.errors import UserError

TABLES = "latency.md"


def run_latency(args: argparse.Namespace) -> int:
    """Time what is asked for; 0 if every cell is good, 1 if one failed, 130 if it was interrupted."""
    known_names(map(method_of, [] if args.methods == ["all"] else args.methods), known_methods(), "method")
    grid = Grid(
        METHODS if args.methods == ["all"] else tuple(args.methods),
        backbone_names(args.backbones, METHODS if args.methods == ["all"] else args.methods),
        tuple(args.intervals),
    )
    plan = _plan(args)
    deadlines = _deadlines(args.deadline)
    weights = parse_weights(args.weights, grid)
    device = select_device(args.device)
    plan.mode.check(device)
    set_threads(args.threads)
    dataset = open_dataset(args.data, args.labels, args.classes)
    if dataset.num_classes is None:
        raise UserError(f"{args.data} does not say how many classes there are; give --classes")
    clip = timed_clip(dataset, plan, device)
    if args.protocol == "paper" and len(clip.frames) < CLIP_LENGTH:
        raise UserError(
            f"the first clip of {args.data} has {len(clip.frames)} frames; the paper's protocol needs {CLIP_LENGTH}"
        )
    build = registry_builder(
        num_classes=dataset.num_classes, device=device, execution=args.execution, seed=args.seed, weights=weights
    )
    for method, backbone in weights.pairs(grid.methods, grid.backbones):
        build([method], backbone)  # a checkpoint that does not fit is refused before anything is timed
    environment = describe_environment(device)
    configuration = {
        "data": dataset.identity,
        "classes": list(dataset.class_names),
        "clips": 1,
        "frames": len(clip.frames),
        "scopes": list(plan.scopes),
        "stopping": str(plan.rule),
        "deadlines_ms": [1000 * deadline for deadline in deadlines],
        **asdict(plan.mode),
        "execution": args.execution,
        "seed": args.seed,
        "weights": weights.identity(),
        "device": environment["device"],
        "cpu": environment["cpu"],
        "threads": environment["threads"],
    }
    run = open_run(
        args.out,
        configuration,
        {"methods": grid.methods, "backbones": grid.backbones, "intervals": grid.intervals},
        {"command": shlex.join(["mpvss-bench", *sys.argv[1:]]), "environment": environment},
    )
    progress = Progress()
    try:
        failed = [
            key
            for backbone in dict.fromkeys(grid.backbones)
            for key in _run_backbone(backbone, grid, clip, plan, deadlines, run, build, progress)
        ]
    except KeyboardInterrupt:
        progress.say(f"interrupted; give the same command again to go on where it stopped ({args.out})")
        return INTERRUPTED
    _write_tables(run)
    if failed:
        progress.say(f"{len(failed)} cells failed; they are recorded in {args.out} and tried again at the next start")
    return 1 if failed else 0


def timed_clip(dataset: Dataset, plan: Plan, device: torch.device) -> TimedClip:
    """The first frames of the data's first clip, on the device.

    Raises:
        UserError: scope `video` of data whose frames are not decoded, or come with labels that are read too.
    """
    clip = dataset.clips[0]
    if "video" in plan.scopes and dataset.labelled:
        raise UserError(
            f"scope video times decoding, and {dataset.name} is not decoded alone: its labels are read or made with "
            "it; give video:PATH, or folder:PATH without --labels"
        )

    def decode():
        return (as_tensor(frame.image, device) for frame in islice(clip.frames(), CLIP_LENGTH))

    return TimedClip(list(decode()), decode)


def _plan(args: argparse.Namespace) -> Plan:
    """The plan of the options; UserError for one that is out of range or not of the protocol."""
    given = {"width": args.precision, "minimum": args.samples, "time_limit": args.time_limit}
    given = {name: value for name, value in given.items() if value is not None}
    if args.protocol == "paper" and given:
        raise UserError(
            "--precision, --samples and --time-limit are of --protocol precise; the paper's is three rounds"
        )
    rule: Rule = FixedRounds(3) if args.protocol == "paper" else Precision(**given)
    return Plan(
        scopes=cast("tuple[Scope, ...]", known_names(args.scopes, SCOPES, "scope")),
        rule=rule,
        warmup=WarmUp(tolerance=None, most=1) if args.protocol == "paper" else WarmUp(),
        mode=mode_of(args),
        seed=args.seed,
        energy=True,
    )


def _deadlines(milliseconds: Sequence[float] | None) -> tuple[float, ...]:
    """Deadlines in seconds."""
    for value in milliseconds or ():
        if not value > 0:
            raise UserError(f"--deadline is {value} ms; it must be above 0")
    return tuple(value / 1000 for value in milliseconds) if milliseconds else DEADLINES


def _run_backbone(
    backbone: str,
    grid: Grid,
    clip: TimedClip,
    plan: Plan,
    deadlines: Sequence[float],
    run: Run,
    build: Builder,
    progress: Progress,
) -> list[CellKey]:
    """Time the cells of a backbone that are missing or failed; those that failed now."""
    found: dict = {}
    for cell in grid.cells():
        record = run.load(CellKey(backbone, cell.method, cell.interval))
        if record is None or record["errors"]:
            found[cell] = Findings(todo={"timing"})
    if not found:
        progress.say(f"{backbone}: all cells are there")
        return []
    with progress.stage(f"{backbone}: time", None, "passes") as stage:
        measure_times(found, backbone, clip, plan, build, deadlines=deadlines, tick=stage.advance)
    failed = []
    for cell, findings in found.items():
        key = CellKey(backbone, cell.method, cell.interval)
        run.save(key, findings.record())
        if findings.errors:
            failed.append(key)
            progress.say(f"{backbone}: {cell.method} failed: {findings.errors['timing']}")
    timings = [findings.timing for findings in found.values() if findings.timing is not None]
    for text in _remarks(timings[0]) if timings else ():
        progress.say(f"{backbone}: {text}")
    return failed


def _remarks(timing: dict[str, Any]) -> list[str]:
    """How the sampling went that a group of methods shared, and what a reader must know of it."""
    remarks = [f"{timing['rounds']} rounds in {timing['seconds']:.1f} s, ended by {timing['stopped']}"]
    if timing["stopped"] == "time limit":
        remarks.append("not every median is as precise as was asked for; see its 95 % interval")
    if timing["warmup_stable"] is False:
        remarks.append(f"times had not settled after {timing['warmup_rounds']} rounds of warm-up")
    return remarks + (warnings_of(timing["guard"]) if "guard" in timing else [])


def _write_tables(run: Run) -> None:
    """Print the tables of the good cells, and write them to `latency.md`."""
    cells = [cell for cell in read_run(run.path).to_dict("records") if cell["status"] == "ok"]
    if cells:
        times = latency_table(cast("list", read_latency(run.path).to_dict("records")))
        text = f"{times}\n\n{speed_table(cast('list', cells))}\n"
        write_atomically(run.path / TABLES, text.encode())
        print(text, end="")
