"""Score clips with the methods of one backbone, and keep the scores clip by clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import torch

from bench.data import Clip, Dataset
from bench.evaluate.clip_store import ClipStore
from bench.evaluate.lockstep import Cell, Lockstep
from bench.evaluate.scorers import ClipScorer, DistanceScorer
from bench.evaluate.scores import Score
from bench.evaluate.turns import with_coming
from bench.evaluate.video import as_tensor
from bench.methods.builder import Built
from bench.sweep.failure import Failure


class ClipScoring:
    """Methods of one backbone that score clips; one that failed in a clip is left out of those that follow.

    `failed` holds the methods that could not be built, or failed.
    """

    def __init__(self, built: Built, store: ClipStore, num_classes: int, device: torch.device) -> None:
        self.failed = {method: Failure.of(error) for method, error in built.failed.items()}
        self._built = built
        self._store = store
        self._num_classes = num_classes
        self._device = device

    def score(
        self, index: int, clip: Clip, cells: Sequence[Cell], tick: Callable[[], object]
    ) -> tuple[dict[Cell, Score], bool]:
        """The scores of a clip, and whether frames were run for them; those that were in the store are kept.

        `tick` is called after each frame.
        """
        scores = self._store.load(index, clip.name)
        missing = [cell for cell in cells if cell not in scores and cell.method not in self.failed]
        if not missing:
            return scores, False
        lockstep = Lockstep(self._built.segmenters, missing, self._built.memo, clip.labelled_frames, clip.flow)
        scores |= self._run(clip, missing, lockstep, tick)
        self.failed |= {method: Failure.of(error) for method, error in lockstep.failed.items()}
        self._store.save(index, clip.name, scores)
        return scores, True

    def _run(
        self, clip: Clip, cells: Sequence[Cell], lockstep: Lockstep, tick: Callable[[], object]
    ) -> dict[Cell, Score]:
        by_distance = clip.labelled_frames is not None
        scorer = (DistanceScorer if by_distance else ClipScorer)(cells, self._num_classes)
        frames = ((frame, as_tensor(frame.image, self._device)) for frame in clip.frames())
        in_turn = with_coming(frames, lockstep.lookahead)
        for (frame, image), coming in islice(in_turn, frames_to_score(clip)) if by_distance else in_turn:
            scorer.update(frame.labels, lockstep.step(image, [later for _, later in coming]))
            tick()
        return scorer.end(lockstep.failed)


def labelled_clips(dataset: Dataset) -> list[tuple[int, Clip]]:
    """The clips that can be scored, each with its number in the data set."""
    return [(index, clip) for index, clip in enumerate(dataset.clips) if clip.labelled]


def frames_to_score(clip: Clip) -> int | None:
    """How many frames are read for the accuracy: no more than up to the last label, where that is known."""
    return clip.num_frames if clip.labelled_frames is None else clip.labelled_frames[-1] + 1
