"""`mpvss-bench sweep`: from the command line's arguments to a run's folder."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.cli.main import INTERRUPTED, known_names
from bench.data import Dataset, open_dataset
from bench.data.limit import limit
from bench.measure.count.cost import Cost, method_cost
from bench.measure.environment import describe_environment
from bench.methods.builder import registry_builder
from bench.methods.device import select_device, set_threads
from bench.methods.names import (
    BACKBONES,
    GROUND_TRUTH_FLOW,
    METHODS,
    backbone_names,
    branches,
    known_methods,
    method_of,
)
from bench.methods.weights import Weights
from bench.runs.progress import Progress
from bench.runs.results import open_run
from bench.sweep.sweep import Grid, Sweep
from mpvss.errors import UserError

SHIPPED = "shipped"


def run_sweep(args: argparse.Namespace) -> int:
    """Run a sweep; 0 if every cell is good, 1 if one failed, 130 if it was interrupted."""
    methods = METHODS if args.methods == ["all"] else _rows(args.methods)
    backbones = BACKBONES if args.backbones == ["all"] else backbone_names(args.backbones, methods)
    grid = Grid(methods, backbones, tuple(args.intervals))
    if args.repeats < 1:
        raise UserError(f"--repeats is {args.repeats}; it must be 1 or more")
    weights = parse_weights(args.weights, grid)
    device = select_device(args.device)
    set_threads(args.threads)
    dataset = limit(open_dataset(args.data, args.labels, args.classes), args.clips, args.frames)
    if dataset.num_classes is None:
        raise UserError(f"{args.data} does not say how many classes there are; give --classes")
    grid.check_data(dataset)
    num_classes = dataset.num_classes
    build = registry_builder(
        num_classes=num_classes, device=device, execution=args.execution, seed=args.seed, weights=weights
    )
    environment = describe_environment(device)
    progress = Progress()
    for method, backbone in weights.pairs(grid.methods, grid.backbones):
        build([method], backbone)  # a checkpoint that does not fit is refused now, not hours later

    def cost_of(method: str, backbone: str, size: tuple[int, int]) -> Cost:
        of_frame, of_key_frame = branches(method_of(method), backbone)
        return method_cost(
            method_of(method),
            backbone=of_frame,
            key_backbone=of_key_frame,
            num_classes=num_classes,
            size=size,
            execution=args.execution,
        )

    run = open_run(
        args.out,
        configuration(args, dataset, weights, environment),
        {"methods": grid.methods, "backbones": grid.backbones, "intervals": grid.intervals},
        {"command": shlex.join(["mpvss-bench", *sys.argv[1:]]), "environment": environment},
    )
    sweep = Sweep(
        grid,
        dataset,
        run,
        build=build,
        cost_of=cost_of,
        device=device,
        repeats=args.repeats,
        progress=progress,
    )
    try:
        failed = sweep.run_all()
    except KeyboardInterrupt:
        progress.say(f"interrupted; give the same command again to go on where it stopped ({args.out})")
        return INTERRUPTED
    if failed:
        progress.say(f"{len(failed)} cells failed; they are recorded in {args.out} and tried again at the next start")
        return 1
    progress.say(f"done; next: mpvss-bench report {shlex.quote(str(args.out))}")
    return 0


def _rows(names: Sequence[str]) -> tuple[str, ...]:
    """METHOD or METHOD@LABEL, each a row of the results."""
    known_names(map(method_of, names), (*known_methods(), GROUND_TRUTH_FLOW), "method")
    return tuple(names)


def configuration(
    args: argparse.Namespace, dataset: Dataset, weights: Weights, environment: dict[str, Any]
) -> dict[str, Any]:
    """Everything that changes what a cell means: two starts that differ in it do not share a folder."""
    return {
        "data": dataset.identity,
        "classes": list(dataset.class_names),
        "clips": args.clips,
        "frames": args.frames,
        "repeats": args.repeats,
        "execution": args.execution,
        "seed": args.seed,
        "weights": weights.identity(),
        "device": environment["device"],
        "cpu": environment["cpu"],
        "threads": environment["threads"],
    }


def parse_weights(texts: Sequence[str], grid: Grid) -> Weights:
    """`BACKBONE=FILE`, `BACKBONE/METHOD[@LABEL]=FILE`, `FILE` where one backbone is swept, or `shipped`.

    Raises:
        UserError: a name that is not swept, a file that is not there, a row that nothing is shipped for.
    """
    files: dict[str, Path] = {}
    for text in texts:
        if text == SHIPPED:
            continue
        key, equals, file = text.partition("=")
        if not equals:
            if len(grid.backbones) != 1:
                raise UserError(f"--weights {text}: several backbones are swept; write BACKBONE={text}")
            key, file = grid.backbones[0], text
        rows = (f"{backbone}/{method}" for backbone in grid.backbones for method in grid.methods)
        if key not in (*grid.backbones, *rows):
            raise UserError(f"--weights {text}: {key} is not in this sweep")
        if not Path(file).is_file():
            raise UserError(f"--weights {text}: {file} is not a file")
        files[key] = Path(file)
    return Weights(files, shipped=SHIPPED in texts)
