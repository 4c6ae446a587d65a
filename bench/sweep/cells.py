"""Measure every cell of backbone x method x interval.

For each backbone: the accuracy of all its cells in lockstep through every clip, then each method's cost and
peak memory on its own, then the times of its methods in turn (`bench.measure.time.methods`), after which the cells are
written. Time is taken once for a method, per kind of frame; the figures of an interval follow from it by arithmetic,
as its MACs do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from bench.data import Clip, Dataset
from bench.evaluate.clip_store import ClipStore
from bench.evaluate.lockstep import Cell, Lockstep
from bench.evaluate.scorers import ClipScorer, DistanceScorer
from bench.evaluate.scores import Score
from bench.evaluate.turns import with_coming
from bench.evaluate.video import as_tensor
from bench.measure.count.cost_of_method import Cost
from bench.measure.time.methods import Plan, TimedClip
from bench.measure.time.samples import CLIP_LENGTH
from bench.measure.time.stopping import FixedRounds
from bench.methods.builder import Builder
from bench.methods.names import GROUND_TRUTH_FLOW, method_of
from bench.runs.clip_counts import ClipCounts
from bench.runs.progress import Progress, Stage
from bench.runs.records.cell import CellKey
from bench.runs.write import Run
from bench.sweep.cell import CellInProgress
from bench.sweep.grid import Grid
from bench.sweep.times import measure_times

CostOf = Callable[[str, str, tuple[int, int], Sequence[int]], Cost]
"""The cost of a method (name) of a backbone (name) on frames of (height, width), in clips of some lengths."""


class Sweep:
    """A sweep over a data set that has passed `Grid.check_data`, into a run's folder."""

    def __init__(
        self,
        grid: Grid,
        dataset: Dataset,
        run: Run,
        *,
        build: Builder,
        cost_of: CostOf,
        device: torch.device,
        repeats: int,
        progress: Progress,
    ) -> None:
        self._grid = grid
        assert dataset.num_classes is not None, "methods are built for a number of classes"
        self._dataset = dataset
        self._num_classes = dataset.num_classes
        self._run = run
        self._build = build
        self._cost_of = cost_of
        self._device = device
        self._plan = Plan(rule=FixedRounds(repeats))
        self._progress = progress

    def run_all(self) -> list[CellKey]:
        """Measure what is missing and try again what failed; the cells that failed."""
        failed = []
        clip = self._timed_clip()
        backbones = tuple(dict.fromkeys(self._grid.backbones))
        for number, backbone in enumerate(backbones, 1):
            failed += self._run_backbone(backbone, f"{backbone} ({number}/{len(backbones)})", clip)
        return failed

    def _run_backbone(self, backbone: str, title: str, clip: Sequence[Tensor]) -> list[CellKey]:
        found = {cell: self._known(backbone, cell) for cell in self._grid.cells(backbone)}
        found = {cell: findings for cell, findings in found.items() if findings.todo}
        if not found:
            self._progress.say(f"{title}: all cells are there")
            return []
        store = ClipStore(self._run.partial(backbone), self._progress.say)
        self._score(backbone, title, store, _lacking(found, "accuracy"))
        methods = list(dict.fromkeys(cell.method for cell in found))
        with self._progress.stage(f"{title}: cost", len(methods), "methods") as stage:
            for method in methods:
                cells = {cell: findings for cell, findings in found.items() if cell.method == method}
                self._measure_cost(backbone, method, clip, _lacking(cells, "cost"))
                stage.advance()
        self._measure_time(backbone, title, clip, _lacking(found, "timing"))
        for cell, findings in found.items():
            self._run.save(findings.record(_key(backbone, cell)))
        if not any("accuracy" in findings.errors for findings in found.values()):
            self._run.drop_partial(backbone)
        self._say_failures(title, found)
        return [_key(backbone, cell) for cell, findings in found.items() if findings.errors]

    def _known(self, backbone: str, cell: Cell) -> CellInProgress:
        record = self._run.load(_key(backbone, cell))
        if record is not None:
            return CellInProgress.from_record(record)
        return CellInProgress(todo={"accuracy"}) if method_of(cell.method) == GROUND_TRUTH_FLOW else CellInProgress()

    def _say_failures(self, title: str, found: Mapping[Cell, CellInProgress]) -> None:
        intervals: dict[tuple[str, str, str], list[str]] = {}
        for cell, findings in found.items():
            for part, text in findings.errors.items():
                intervals.setdefault((cell.method, part, text), []).append(str(cell.interval))
        for (method, part, text), of in intervals.items():
            self._progress.say(f"{title}: {method} failed at interval {', '.join(of)}: {part}: {text}")

    def _score(self, backbone: str, title: str, store: ClipStore, found: Mapping[Cell, CellInProgress]) -> None:
        """Fill in the accuracy of the cells, clip by clip."""
        if not found or not self._dataset.labelled:
            return
        built = self._build(list(dict.fromkeys(cell.method for cell in found)), backbone)
        failed = dict(built.failed)
        totals: dict[Cell, Score] = {}
        counts: dict[Cell, dict[str, np.ndarray]] = {cell: {} for cell in found}
        clips = [(index, clip) for index, clip in enumerate(self._dataset.clips) if clip.labelled]
        total = _count_frames(clip for _, clip in clips)
        with self._progress.stage(f"{title}: accuracy", total, "frames") as stage:
            for index, clip in clips:
                scores = store.load(index, clip.name)
                missing = [cell for cell in found if cell not in scores and cell.method not in failed]
                if missing:
                    lockstep = Lockstep(built.segmenters, missing, built.memo, clip.labelled_frames, clip.flow)
                    scores |= self._score_clip(clip, missing, lockstep, stage)
                    failed |= lockstep.failed
                    store.save(index, clip.name, scores)
                else:
                    stage.skip(_frames_to_score(clip) or 0)
                for cell in found:
                    if cell in scores:
                        totals[cell] = totals[cell] + scores[cell] if cell in totals else scores[cell]
                        counts[cell][clip.name] = scores[cell].counts()
        for cell, findings in found.items():
            findings.weights = built.weights.get(cell.method)
            if cell.method in failed:
                findings.fail("accuracy", failed[cell.method])
            else:
                kept = ClipCounts(tuple(counts[cell]), np.stack(list(counts[cell].values())))
                findings.take_accuracy(totals[cell], kept)

    def _score_clip(self, clip: Clip, cells: Sequence[Cell], lockstep: Lockstep, stage: Stage) -> dict[Cell, Score]:
        by_distance = clip.labelled_frames is not None
        scorer = (DistanceScorer if by_distance else ClipScorer)(cells, self._num_classes)
        frames = ((frame, as_tensor(frame.image, self._device)) for frame in clip.frames())
        in_turn = with_coming(frames, lockstep.lookahead)
        for (frame, image), coming in islice(in_turn, _frames_to_score(clip)) if by_distance else in_turn:
            scorer.update(frame.labels, lockstep.step(image, [later for _, later in coming]))
            stage.advance()
        return scorer.end(lockstep.failed)

    def _measure_cost(
        self, backbone: str, method: str, clip: Sequence[Tensor], cells: Mapping[Cell, CellInProgress]
    ) -> None:
        if not cells:
            return
        height, width = clip[0].shape[1:]
        try:
            lengths = self._clip_lengths(len(clip))
            cost = self._cost_of(method, backbone, (height, width), lengths or ())
        except Exception as error:
            for findings in cells.values():
                findings.fail("cost", error)
            return
        for cell, findings in cells.items():
            findings.take_cost(cost, cell.interval, height, width, lengths)

    def _clip_lengths(self, timed: int) -> list[int] | None:
        """Lengths of the clips that the mean cost is over; None where single frames are scored.

        Those that are scored, or without labels all, or where a length is unknown the `timed` frames alone.
        """
        clips = [clip for clip in self._dataset.clips if clip.labelled] or list(self._dataset.clips)
        if clips[0].labelled_frames is not None:
            return None
        lengths = [clip.num_frames for clip in clips if clip.num_frames is not None]
        return lengths if len(lengths) == len(clips) else [timed]

    def _measure_time(
        self, backbone: str, title: str, clip: Sequence[Tensor], found: Mapping[Cell, CellInProgress]
    ) -> None:
        """Fill in the times and the peak memory of the cells; the methods' times are taken in turn."""
        if not found:
            return
        timed = TimedClip(clip, lambda: clip, self._dataset.frame_rate)
        with self._progress.stage(f"{title}: time", None, "passes") as stage:
            measure_times(found, backbone, timed, self._plan, self._build, tick=stage.advance)

    def _timed_clip(self) -> list[Tensor]:
        """The first frames of the data, up to the clip length of the protocol, on the device."""
        frames = self._dataset.clips[0].frames()
        return [as_tensor(frame.image, self._device) for frame in islice(frames, CLIP_LENGTH)]


def _key(backbone: str, cell: Cell) -> CellKey:
    return CellKey(backbone, cell.method, cell.interval)


def _count_frames(clips: Iterable[Clip]) -> int | None:
    counts = [_frames_to_score(clip) for clip in clips]
    return None if None in counts else sum(count for count in counts if count is not None)


def _frames_to_score(clip: Clip) -> int | None:
    """How many frames are read for the accuracy: no more than up to the last label, where that is known."""
    return clip.num_frames if clip.labelled_frames is None else clip.labelled_frames[-1] + 1


def _lacking(found: Mapping[Cell, CellInProgress], part: str) -> dict[Cell, CellInProgress]:
    return {cell: findings for cell, findings in found.items() if part in findings.todo}
