"""The accuracy of one backbone's cells, over all clips of a data set or of a part of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.data import Clip
from bench.evaluate.clip_store import ClipStore
from bench.evaluate.keeping import Keeping
from bench.evaluate.lockstep import Cell
from bench.evaluate.scores import Score
from bench.runs.clip_counts import ClipCounts
from bench.runs.progress import Progress, Stage
from bench.sweep.cell import CellInProgress
from bench.sweep.clips import ClipScoring, cells_to_score, frames_to_score, labelled_clips
from bench.sweep.crew import Crew, ToScore
from bench.sweep.crew_worker import Job, Kit, Recipe
from bench.sweep.failure import Failure


class Totals:
    """The scores of cells, added up clip by clip. The order of the clips decides the last bits of mVC."""

    def __init__(self, cells: Iterable[Cell]) -> None:
        self._scores: dict[Cell, Score] = {}
        self._counts: dict[Cell, dict[str, np.ndarray]] = {cell: {} for cell in cells}

    def add(self, clip: str, scores: Mapping[Cell, Score]) -> None:
        """Take the scores of the next clip; of cells that are not in it, nothing."""
        for cell, counts in self._counts.items():
            if (score := scores.get(cell)) is not None:
                self._scores[cell] = self._scores[cell] + score if cell in self._scores else score
                counts[clip] = score.counts()

    def fill_in(self, cell: Cell, findings: CellInProgress) -> None:
        """Note the accuracy of a cell."""
        counts = self._counts[cell]
        findings.take_accuracy(self._scores[cell], ClipCounts(tuple(counts), np.stack(list(counts.values()))))


@dataclass(frozen=True)
class AccuracyMeter:
    """Measures the accuracy of cells.

    Attributes:
        kit: the data, and methods for the present process.
        progress: where progress is shown.
        workers: how many processes score clips; 1: the present one.
        recipe: makes the kit of a worker; needed for several.
        clips: the numbers of the clips that are scored; None: all.

    """

    kit: Kit
    progress: Progress
    workers: int = 1
    recipe: Recipe | None = None
    clips: Collection[int] | None = None

    def measure(
        self,
        backbone: str,
        title: str,
        store: ClipStore,
        found: Mapping[Cell, CellInProgress],
        keeping: Keeping | None = None,
    ) -> None:
        """Fill in the accuracy of the cells; scores of clips are kept in the store, and taken from it."""
        if not found or not self.kit.dataset.labelled:
            return
        built = self.kit.build(list(dict.fromkeys(cell.method for cell in found)), backbone)
        assert self.kit.dataset.num_classes is not None, "methods are built for a number of classes"
        scoring = ClipScoring(built, store, self.kit.dataset.num_classes, self.kit.device, keeping)
        totals = Totals(found)
        clips = [(index, clip) for index, clip in labelled_clips(self.kit.dataset) if self._is_ours(index)]
        with self.progress.stage(f"{title}: accuracy", _count_frames(clip for _, clip in clips), "frames") as stage:
            if self.workers > 1:
                scoring.failed |= self._share_out(backbone, store, clips, found, scoring.failed, stage, keeping)
            for index, clip in clips:
                scores, ran = scoring.score(index, clip, list(found), stage.advance)
                if not ran and self.workers == 1:
                    stage.skip(frames_to_score(clip) or 0)
                totals.add(clip.name, scores)
        for cell, findings in found.items():
            findings.weights = built.weights.get(cell.method)
            if cell.method in scoring.failed:
                findings.fail("accuracy", scoring.failed[cell.method])
            else:
                totals.fill_in(cell, findings)

    def _is_ours(self, index: int) -> bool:
        return self.clips is None or index in self.clips

    def _share_out(
        self,
        backbone: str,
        store: ClipStore,
        clips: Sequence[tuple[int, Clip]],
        found: Iterable[Cell],
        failed: Collection[str],
        stage: Stage,
        keeping: Keeping | None,
    ) -> Mapping[str, Failure]:
        """Let workers score the clips that are not in the store yet; the methods that failed."""
        assert self.recipe is not None, "several workers come with a recipe"
        cells = [cell for cell in found if cell.method not in failed]
        missing = []
        for index, clip in clips:
            if not cells_to_score(store.load(index, clip.name), index, clip.name, cells, keeping):
                stage.skip(frames_to_score(clip) or 0)
            else:
                missing.append(ToScore(index, clip.name, frames_to_score(clip)))
        job = Job(self.recipe, backbone, cells, store.folder, keeping)
        return Crew(job, missing, say=self.progress.say, advance=stage.advance).score(self.workers)


def _count_frames(clips: Iterable[Clip]) -> int | None:
    counts = [frames_to_score(clip) for clip in clips]
    return None if None in counts else sum(count for count in counts if count is not None)
