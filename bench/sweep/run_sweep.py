"""A sweep: every cell of methods x backbones x key-frame intervals, measured into a run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bench.data import Dataset
from bench.measure.count.cost_of_method import Cost, method_cost
from bench.measure.environment import describe_environment
from bench.methods.names import branches, check_names, method_of
from bench.methods.setup import set_up
from bench.runs.progress import Progress
from bench.runs.records.cell import PARTS, CellPart
from bench.runs.records.environment import Environment
from bench.runs.records.run import Configuration, Start
from bench.runs.write import open_run
from bench.sweep.cells import Sweep
from bench.sweep.crew_worker import Kit
from bench.sweep.grid import Grid
from bench.sweep.outcome import Outcome
from bench.sweep.shard import Shard
from mpvss.errors import UserError
from mpvss.presets import Execution

KEPT = ("labels",)
"""What a sweep can keep beside its cells."""


def sweep(
    out: Path | str,
    *,
    methods: Sequence[str] = ("all",),
    backbones: Sequence[str] = ("micro",),
    intervals: Sequence[int] = (1, 2, 5, 10),
    data: str = "generated",
    labels: str | None = None,
    classes: int | None = None,
    clips: int | None = None,
    frames: int | None = None,
    weights: Sequence[str] = (),
    execution: Execution = "lean",
    seed: int = 0,
    repeats: int = 3,
    device: str = "cpu",
    threads: int | None = None,
    workers: int = 1,
    shard: str | None = None,
    only: Sequence[CellPart] | None = None,
    keep: Sequence[str] = (),
    command: str = "bench.sweep.sweep",
    progress: Progress | None = None,
) -> Outcome:
    """Measure accuracy, cost, speed and memory of every cell that is not in the folder yet, or failed there.

    A cell is written as it ends, so an interrupted sweep resumes when it is called again. The lists of methods,
    backbones and intervals may grow between calls; everything else must stay.

    Args:
        out: the run's folder; made where it is missing.
        methods: METHOD or METHOD@LABEL, or `all`.
        backbones: names, or `all`.
        intervals: key-frame intervals; a method without key frames is measured once, as interval 1.
        data: as `open_dataset` takes it, and with it `labels` and `classes`.
        labels: folder of label maps, for a folder of frames.
        classes: how many there are, where the data does not say.
        clips: use the first so many clips; None: all.
        frames: use the first so many frames of each clip; None: all.
        weights: `[BACKBONE[/METHOD[@LABEL]]=]FILE`, or `shipped`; without any, weights are random.
        execution: the graph, `lean` or `paper`.
        seed: of random weights.
        repeats: timed passes over a clip.
        device: `cpu` or `cuda`.
        threads: of the CPU; None: as torch chooses.
        workers: processes that score clips side by side, with the threads divided among them, and on `cuda` the
            devices in turn. A script that asks for several is imported by each: it calls this under
            `if __name__ == "__main__":`.
        shard: `i/N`, to score part i of N of the clips alone; `merge` puts the parts together.
        only: the parts of a cell that are measured, of accuracy, cost and timing; None: all, of a shard the accuracy.
        keep: `labels` to keep the label maps of all scored clips under `labels/`, for `bench.sweep.score` and players;
            clips that were scored without are scored again.
        command: what the run's file names as the command.
        progress: where progress is shown; None: on standard error.

    Raises:
        UserError: bad input, or a folder that holds a run of another configuration; nothing is written then.
    """
    out = Path(out)
    if repeats < 1:
        raise UserError(f"repeats is {repeats}; it must be 1 or more")
    if workers < 1:
        raise UserError(f"workers is {workers}; it must be 1 or more")
    part = None if shard is None else Shard.parse(shard)
    parts = _parts(only, part)
    check_names(keep, KEPT, "thing to keep")
    if keep and "accuracy" not in parts:
        raise UserError(f"{', '.join(keep)} cannot be kept where the accuracy is not measured; measure it too")
    arguments: dict[str, Any] = {
        "methods": tuple(methods),
        "backbones": tuple(backbones),
        "data": data,
        "labels": labels,
        "classes": classes,
        "clips": clips,
        "frames": frames,
        "weights": tuple(weights),
        "execution": execution,
        "seed": seed,
        "device": device,
    }
    setup = set_up(**arguments, threads=threads)
    grid = Grid(setup.rows, setup.backbones, tuple(intervals), setup.without_key_frames)
    grid.check_data(setup.dataset)
    if parts == ("accuracy",) and not setup.dataset.labelled:
        raise UserError(f"{data} has no labels, so there is no accuracy to measure")
    if keep and not setup.dataset.labelled:
        raise UserError(f"{data} has no labels, so nothing is scored, and no label maps can be kept")
    setup.check_weights()
    environment = describe_environment(setup.device)

    def cost_of(method: str, backbone: str, size: tuple[int, int], clip_lengths: Sequence[int]) -> Cost:
        of_frame, of_key_frame = branches(method_of(method), backbone)
        return method_cost(
            method_of(method),
            backbone=of_frame,
            key_backbone=of_key_frame,
            num_classes=setup.num_classes,
            size=size,
            execution=execution,
            clip_lengths=clip_lengths,
        )

    run = open_run(
        out,
        Configuration(
            **data_configuration(setup.dataset, clips, frames),
            shard=None if part is None else part.record(setup.dataset),
            repeats=repeats,
            execution=execution,
            seed=seed,
            **machine_configuration(setup.weights.identity(), environment),
        ),
        grid.asked,
        Start(command=command, environment=environment),
    )
    cells = Sweep(
        grid,
        run,
        Kit(setup.dataset, setup.build, setup.device),
        cost_of=cost_of,
        repeats=repeats,
        progress=progress or Progress(),
        only=parts,
        workers=workers,
        keep_labels="labels" in keep,
        recipe=partial(_kit_of_worker, {**arguments, "threads": max(1, torch.get_num_threads() // workers)}),
    )
    return Outcome(out, tuple(cells.run_all()))


def _parts(only: Sequence[CellPart] | None, shard: Shard | None) -> tuple[CellPart, ...]:
    """The parts of a cell that are measured; UserError for one that is not known, or that a shard cannot have."""
    if only is None:
        return PARTS if shard is None else ("accuracy",)
    check_names(only, PARTS, "part of a cell")
    if shard is not None and tuple(only) != ("accuracy",):
        raise UserError(
            f"a shard measures accuracy alone, not {', '.join(only)}; these take a run of their own, which is merged"
        )
    return tuple(part for part in PARTS if part in only)


def _kit_of_worker(arguments: dict[str, Any], number: int) -> Kit:
    """What a worker scores with, by the arguments of `set_up`; on its own device where there are several."""
    if arguments["device"] == "cuda":
        torch.cuda.set_device(number % torch.cuda.device_count())
    setup = set_up(**arguments)
    return Kit(setup.dataset, setup.build, setup.device)


def data_configuration(dataset: Dataset, clips: int | None, frames: int | None) -> dict[str, Any]:
    """The part of a run's configuration that says what it ran on."""
    return {"data": dataset.identity, "classes": list(dataset.class_names), "clips": clips, "frames": frames}


def machine_configuration(weights: dict[str, str], environment: Environment) -> dict[str, Any]:
    """The part of a run's configuration that says with what: weights, device and threads."""
    machine = {name: getattr(environment, name) for name in ("device", "cpu", "threads")}
    return {"weights": weights, **machine}
