"""Key-frame schedules over a data set: accuracy against mean cost, a cell a schedule and number of key frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.adaptive.build import clip_table
from bench.adaptive.grid import PlayedOut, Player, check_schedule
from bench.adaptive.offered import costs_of, signals_of
from bench.adaptive.play import MethodCost
from bench.adaptive.table import ClipTable, read_table
from bench.evaluate.turns import refuse_lookahead
from bench.evaluate.video import as_tensor
from bench.measure.count.cost_of_method import method_cost
from bench.measure.environment import describe_environment
from bench.methods.builder import Built
from bench.methods.names import UNTRAINED, branches, method_of
from bench.methods.setup import Setup, set_up
from bench.metrics import measures_of_counts
from bench.runs.cell_folder import CellFolder, open_cell_folder
from bench.runs.clip_counts import ClipCounts
from bench.runs.files import file_name
from bench.runs.progress import Progress
from bench.runs.records.cell import Accuracy
from bench.runs.records.run import Start
from bench.runs.records.schedules import (
    FIXED,
    KINDS,
    SCHEDULES,
    ScheduleCell,
    SchedulesConfiguration,
    SchedulesRecord,
    schedule_file,
)
from mpvss.errors import UserError
from mpvss.presets import Execution
from mpvss.video import uses_key_frames

LONGEST = 20
TABLES = "tables"
"""Folder of what was run of each clip."""


def schedules(
    out: Path | str,
    *,
    schedules: Sequence[str] = KINDS,
    methods: Sequence[str] = ("mpvss",),
    backbones: Sequence[str] = ("micro",),
    intervals: Sequence[int] = (2, 3, 5, 7, 10),
    longest: int = LONGEST,
    data: str = "synthetic",
    labels: str | None = None,
    classes: int | None = None,
    clips: int | None = None,
    frames: int | None = None,
    weights: Sequence[str] = (),
    decision_weights: Path | str | None = None,
    execution: Execution = "lean",
    seed: int = 0,
    device: str = "cpu",
    threads: int | None = None,
    command: str = "bench.adaptive.schedules",
    progress: Progress | None = None,
) -> tuple[ScheduleCell, ...]:
    """Play schedules over clips, and write a cell for each and each mean interval; the cells.

    Each clip is run once for a method, from every key frame to every frame that it may serve, and kept; an interrupted
    evaluation resumes at the next clip. Schedules and intervals may be added afterwards without running a network.

    Args:
        out: the folder; made where it is missing.
        schedules: of `bench.runs.records.schedules.KINDS`; the fixed interval is always among them, at every interval.
        methods: METHOD or METHOD@LABEL, with key frames.
        backbones: names.
        intervals: frames a key frame, on average, that each schedule's level is chosen for.
        longest: frames from a key frame to the next, at most.
        data: as `open_dataset` takes it, and with it `labels` and `classes`; every frame must have labels.
        labels: folder of label maps, for a folder of frames.
        classes: how many there are, where the data does not say.
        clips: use the first so many clips; None: all.
        frames: use the first so many frames of each clip; None: all.
        weights: as in a sweep.
        decision_weights: checkpoint of a DVSNet for its decision network; None: random.
        execution: the graph, `lean` or `paper`.
        seed: of random weights, and of the random schedule.
        device: `cpu` or `cuda`.
        threads: of the CPU; None: as torch chooses.
        command: what the head file names as the command.
        progress: where progress is shown; None: on standard error.

    Raises:
        UserError: bad input, or a folder of something else.
    """
    for name in schedules:
        check_schedule(name)
    if longest < 2 or not intervals or not 1 <= min(intervals) <= max(intervals) <= longest:
        raise UserError(f"intervals are {tuple(intervals)} and the longest {longest}; give 1 to it, which is 2 or more")
    setup = set_up(
        methods=methods,
        backbones=backbones,
        data=data,
        labels=labels,
        classes=classes,
        clips=clips,
        frames=frames,
        weights=weights,
        execution=execution,
        seed=seed,
        device=device,
        threads=threads,
        ground_truth_flow=False,
    )
    if not setup.dataset.labelled or any(clip.labelled_frames is not None for clip in setup.dataset.clips):
        raise UserError(f"{data} does not label every frame of its clips; schedules are judged on every frame")
    setup.check_weights()
    decision = None if decision_weights is None else Path(decision_weights)
    folder = open_cell_folder(
        Path(out),
        SCHEDULES,
        SchedulesRecord(
            configuration=SchedulesConfiguration(
                data=setup.dataset.identity,
                classes=list(setup.dataset.class_names),
                clips=clips,
                frames=frames,
                longest=longest,
                execution=execution,
                seed=seed,
                weights=setup.weights.identity(),
                decision_weights=UNTRAINED if decision is None else decision.name,
            ),
            starts=[Start(command=command, environment=describe_environment(setup.device))],
        ),
        ScheduleCell,
    )
    wanted = [(FIXED, interval) for interval in range(1, longest + 1)]
    wanted += [(name, interval) for name in dict.fromkeys(schedules) if name != FIXED for interval in intervals]
    evaluation = _Evaluation(setup, folder, progress or Progress(), longest, execution, seed, decision)
    return tuple(
        cell
        for backbone in setup.backbones
        for method in setup.rows
        for cell in evaluation.of_row(backbone, method, wanted)
    )


@dataclass(frozen=True)
class _Evaluation:
    setup: Setup
    folder: CellFolder[ScheduleCell]
    progress: Progress
    longest: int
    execution: Execution
    seed: int
    decision_weights: Path | None

    def of_row(self, backbone: str, method: str, wanted: Sequence[tuple[str, int]]) -> list[ScheduleCell]:
        """The cells of one method: those that are there, and those that are missing."""
        there = {key: self.folder.load(schedule_file(backbone, method, *key)) for key in wanted}
        missing = [key for key, cell in there.items() if cell is None]
        if not missing:
            self.progress.say(f"{backbone}, {method}: all cells are there")
            return [cell for cell in there.values() if cell is not None]
        player, weights = self._player(backbone, method)
        with self.progress.stage(f"{backbone}, {method}: schedules", len(missing), "cells") as stage:
            for name, interval in missing:
                cell = self._cell(backbone, method, name, interval, player, weights)
                self.folder.save(cell)
                there[name, interval] = cell
                stage.advance()
        return [cell for cell in there.values() if cell is not None]

    def _player(self, backbone: str, method: str) -> tuple[Player, str]:
        built = self.setup.build([method], backbone)
        for error in built.failed.values():
            raise error
        segmenter = built.segmenters[method]
        refuse_lookahead(method, segmenter)
        if not uses_key_frames(segmenter) or method_of(method) == "per-frame":
            raise UserError(f"{method} has no key frames to place; give a method that has")
        device, classes = self.setup.device, self.setup.num_classes
        signals, _ = signals_of(
            segmenter, classes, device, built.memo, seed=self.seed, decision_weights=self.decision_weights
        )
        first = as_tensor(next(iter(self.setup.dataset.clips[0].frames())).image, device)
        of_frame, of_key_frame = branches(method_of(method), backbone)
        cost = method_cost(
            method_of(method),
            backbone=of_frame,
            key_backbone=of_key_frame,
            num_classes=classes,
            size=(first.shape[1], first.shape[2]),
            execution=self.execution,
        )
        of_signals = costs_of(segmenter, signals, first)
        tables = self._tables(backbone, method, built, signals)
        return Player(tables, MethodCost(cost.key_macs, cost.non_key_macs, of_signals), self.longest), built.weights[
            method
        ]

    def _tables(self, backbone: str, method: str, built: Built, signals: dict) -> list[ClipTable]:
        folder = self.folder.path / TABLES / f"{file_name(backbone)}--{file_name(method)}"
        clips = [clip for clip in self.setup.dataset.clips if clip.labelled]
        tables = []
        with self.progress.stage(f"{backbone}, {method}: clips", len(clips), "clips") as stage:
            for number, clip in enumerate(clips):
                file = folder / f"{number:05d}-{file_name(clip.name)}.npz"
                if not file.exists():
                    clip_table(
                        built.segmenters[method],
                        clip,
                        signals,
                        longest=self.longest,
                        num_classes=self.setup.num_classes,
                        device=self.setup.device,
                        memo=built.memo,
                        seed=self.seed,
                    ).write(file)
                tables.append(read_table(file))
                stage.advance()
        return tables

    def _cell(self, backbone: str, method: str, name: str, interval: int, player: Player, weights: str) -> ScheduleCell:
        played: PlayedOut = player.play(name, interval)
        counts = ClipCounts(
            tuple(table.name for table in player.tables), np.stack([clip.counts[None] for clip in played.clips])
        )
        frames = sum(table.frames for table in player.tables)
        return ScheduleCell(
            backbone=backbone,
            method=method,
            schedule=name,
            interval=interval,
            level=played.level,
            weights=weights,
            start=self.folder.start,
            accuracy=Accuracy(**measures_of_counts(counts.counts.sum(axis=(0, 1))), labelled_frames=frames),
            clips=counts.record(),
            frames=frames,
            key_frames=played.key_frames,
            mean_macs=sum(clip.macs for clip in played.clips) / frames,
            schedule_macs=sum(clip.schedule_macs for clip in played.clips) / frames,
            looks_ahead=played.looks_ahead,
        )
