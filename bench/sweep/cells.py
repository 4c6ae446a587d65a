"""Measure every cell of backbone x method x interval.

For each backbone: the accuracy of all its cells in lockstep through every clip, then each method's cost and
peak memory on its own, then the times of its methods in turn (`bench.measure.time.methods`), after which the cells are
written. Time is taken once for a method, per kind of frame; the figures of an interval follow from it by arithmetic,
as its MACs do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from itertools import islice

from torch import Tensor

from bench.evaluate.clip_store import ClipStore
from bench.evaluate.keeping import Keeping
from bench.evaluate.lockstep import Cell
from bench.evaluate.video import as_tensor
from bench.measure.count.cost_of_method import Cost
from bench.measure.time.methods import Plan, TimedClip
from bench.measure.time.samples import CLIP_LENGTH
from bench.measure.time.stopping import FixedRounds
from bench.methods.names import GROUND_TRUTH_FLOW, method_of
from bench.runs.progress import Progress
from bench.runs.records.cell import PARTS, CellKey, CellPart
from bench.runs.write import Run
from bench.sweep.accuracy import AccuracyMeter
from bench.sweep.cell import CellInProgress
from bench.sweep.clips import labelled_clips
from bench.sweep.crew_worker import Kit, Recipe
from bench.sweep.grid import Grid
from bench.sweep.times import measure_times

CostOf = Callable[[str, str, tuple[int, int], Sequence[int]], Cost]
"""The cost of a method (name) of a backbone (name) on frames of (height, width), in clips of some lengths."""


class Sweep:
    """A sweep over a data set that has passed `Grid.check_data`, into a run's folder."""

    def __init__(
        self,
        grid: Grid,
        run: Run,
        kit: Kit,
        *,
        cost_of: CostOf,
        repeats: int,
        progress: Progress,
        only: Collection[CellPart] = PARTS,
        workers: int = 1,
        recipe: Recipe | None = None,
        keep_labels: bool = False,
    ) -> None:
        """Of the cells, the parts `only` are measured; `workers` processes with kits by `recipe` score the clips.

        With `keep_labels`, the label maps of scored clips are kept, and clips whose label maps are missing are scored
        again.
        """
        shard = run.about.configuration.shard
        self._accuracy = AccuracyMeter(kit, progress, workers, recipe, None if shard is None else shard.clips)
        self._grid = grid
        self._dataset = kit.dataset
        self._run = run
        self._kit = kit
        self._cost_of = cost_of
        self._plan = Plan(rule=FixedRounds(repeats))
        self._progress = progress
        self._only = set(only) if kit.dataset.labelled else set(only) - {"accuracy"}
        self._keeps_clips = shard is not None
        self._keeps_labels = keep_labels and "accuracy" in self._only
        self._clips = [
            (index, clip) for index, clip in labelled_clips(kit.dataset) if shard is None or index in shard.clips
        ]

    def run_all(self) -> list[CellKey]:
        """Measure what is missing and try again what failed; the cells that failed."""
        failed = []
        backbones = tuple(dict.fromkeys(self._grid.backbones))
        for number, backbone in enumerate(backbones, 1):
            failed += self._run_backbone(backbone, f"{backbone} ({number}/{len(backbones)})")
        self._run.finish()
        return failed

    def _run_backbone(self, backbone: str, title: str) -> list[CellKey]:
        found = {cell: self._known(backbone, cell) for cell in self._grid.cells(backbone)}
        found = {cell: findings for cell, findings in found.items() if findings.todo}
        if not found:
            self._progress.say(f"{title}: all cells are there")
            return []
        store = ClipStore(self._run.partial(backbone), self._progress.say)
        self._accuracy.measure(backbone, title, store, _lacking(found, "accuracy"), self._keeping(backbone))
        self._measure_costs(backbone, title, _lacking(found, "cost"))
        self._measure_time(backbone, title, _lacking(found, "timing"))
        for cell, findings in found.items():
            self._run.save(findings.record(_key(backbone, cell)))
        scored = "accuracy" in self._only and not any("accuracy" in findings.errors for findings in found.values())
        if scored and not self._keeps_clips:
            self._run.drop_partial(backbone)
        self._say_failures(title, found)
        return [_key(backbone, cell) for cell, findings in found.items() if findings.failed_now]

    def _known(self, backbone: str, cell: Cell) -> CellInProgress:
        """A cell as it is in the run's folder; the ceiling by ground-truth flow is scored alone."""
        wanted = self._only & {"accuracy"} if method_of(cell.method) == GROUND_TRUTH_FLOW else set(self._only)
        record = self._run.load(_key(backbone, cell))
        if record is None:
            return CellInProgress(todo=wanted)
        findings = CellInProgress.from_record(record, wanted)
        keeping = self._keeping(backbone)
        if keeping and not all(keeping.has(cell, index, clip.name) for index, clip in self._clips):
            findings.todo.add("accuracy")
        return findings

    def _keeping(self, backbone: str) -> Keeping | None:
        return Keeping(self._run.path, backbone, self._dataset.palette) if self._keeps_labels else None

    def _say_failures(self, title: str, found: Mapping[Cell, CellInProgress]) -> None:
        intervals: dict[tuple[str, str, str], list[str]] = {}
        for cell, findings in found.items():
            for part, text in findings.failed_now.items():
                intervals.setdefault((cell.method, part, text), []).append(str(cell.interval))
        for (method, part, text), of in intervals.items():
            self._progress.say(f"{title}: {method} failed at interval {', '.join(of)}: {part}: {text}")

    def _measure_costs(self, backbone: str, title: str, found: Mapping[Cell, CellInProgress]) -> None:
        methods = list(dict.fromkeys(cell.method for cell in found))
        if not methods:
            return
        with self._progress.stage(f"{title}: cost", len(methods), "methods") as stage:
            for method in methods:
                cells = {cell: findings for cell, findings in found.items() if cell.method == method}
                self._measure_cost(backbone, method, cells)
                stage.advance()

    def _measure_cost(self, backbone: str, method: str, cells: Mapping[Cell, CellInProgress]) -> None:
        height, width = self._timed_clip[0].shape[1:]
        try:
            lengths = self._clip_lengths(len(self._timed_clip))
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

    def _measure_time(self, backbone: str, title: str, found: Mapping[Cell, CellInProgress]) -> None:
        """Fill in the times and the peak memory of the cells; the methods' times are taken in turn."""
        if not found:
            return
        clip = self._timed_clip
        timed = TimedClip(clip, lambda: clip, self._dataset.frame_rate)
        with self._progress.stage(f"{title}: time", None, "passes") as stage:
            measure_times(found, backbone, timed, self._plan, self._kit.build, tick=stage.advance)

    @cached_property
    def _timed_clip(self) -> list[Tensor]:
        """The first frames of the data, up to the clip length of the protocol, on the device."""
        frames = self._dataset.clips[0].frames()
        return [as_tensor(frame.image, self._kit.device) for frame in islice(frames, CLIP_LENGTH)]


def _key(backbone: str, cell: Cell) -> CellKey:
    return CellKey(backbone, cell.method, cell.interval)


def _lacking(found: Mapping[Cell, CellInProgress], part: str) -> dict[Cell, CellInProgress]:
    return {cell: findings for cell, findings in found.items() if part in findings.todo}
