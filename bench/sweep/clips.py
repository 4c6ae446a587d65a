"""Score clips with the methods of one backbone, and keep the scores clip by clip."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import torch

from bench.data import Clip, Dataset, Frame
from bench.evaluate.clip_store import ClipStore
from bench.evaluate.frame_flow import FrameFlow
from bench.evaluate.keeping import Keeping, LabelKeeper
from bench.evaluate.lockstep import Cell, Group, Lockstep
from bench.evaluate.scorers import ClipScorer, DistanceScorer
from bench.evaluate.scores import Score
from bench.evaluate.turns import with_coming
from bench.evaluate.video import as_tensor
from bench.methods.builder import Built
from bench.sweep.failure import Failure


class ClipScoring:
    """Methods of one backbone that score clips; one that failed in a clip is left out of those that follow.

    `failed` holds the methods that could not be built, or failed. With `keeping`, label maps are kept.
    """

    def __init__(
        self,
        built: Built,
        store: ClipStore,
        num_classes: int,
        device: torch.device,
        keeping: Keeping | None = None,
    ) -> None:
        self.failed = {method: Failure.of(error) for method, error in built.failed.items()}
        self._built = built
        self._store = store
        self._num_classes = num_classes
        self._device = device
        self._keeping = keeping

    def score(
        self, index: int, clip: Clip, cells: Sequence[Cell], tick: Callable[[], object]
    ) -> tuple[dict[Cell, Score], bool]:
        """The scores of a clip, and whether frames were run for them; those that were in the store are kept.

        `tick` is called after each frame.
        """
        scores = self._store.load(index, clip.name)
        todo = cells_to_score(scores, index, clip.name, cells, self._keeping)
        missing = [cell for cell in todo if cell.method not in self.failed]
        if not missing:
            return scores, False
        lockstep = Lockstep(self._built.segmenters, missing, self._built.memo, clip.labelled_frames, clip.flow)
        keeper = None if self._keeping is None else LabelKeeper(self._keeping, missing, clip.name)
        frames = self._frames(clip, lockstep, keeper, tick)
        scores |= score_frames(clip, missing, self._num_classes, frames, lockstep.failed)
        if keeper is not None:
            keeper.end(index, lockstep.failed)  # before the scores, which say that the clip is done
        self.failed |= {method: Failure.of(error) for method, error in lockstep.failed.items()}
        self._store.save(index, clip.name, scores)
        return scores, True

    def _frames(
        self, clip: Clip, lockstep: Lockstep, keeper: LabelKeeper | None, tick: Callable[[], object]
    ) -> Iterator[tuple[Frame, list[Group]]]:
        """Each frame that is scored, with its label maps."""
        frames = ((frame, as_tensor(frame.image, self._device)) for frame in clip.frames())
        in_turn = with_coming(frames, lockstep.lookahead)
        last = None if clip.labelled_frames is None else frames_to_score(clip)
        for number, ((frame, image), coming) in enumerate(islice(in_turn, last)):
            groups = lockstep.step(image, [later for _, later in coming])
            if keeper is not None:
                keeper.update(number, groups)
            yield frame, groups
            tick()


def cells_to_score(
    scores: Mapping[Cell, Score], index: int, clip: str, cells: Iterable[Cell], keeping: Keeping | None
) -> list[Cell]:
    """The cells that a clip lacks the scores of, or, where they are to be kept, the label maps."""
    return [
        cell for cell in cells if cell not in scores or (keeping is not None and not keeping.has(cell, index, clip))
    ]


def score_frames(
    clip: Clip,
    cells: Sequence[Cell],
    num_classes: int,
    frames: Iterable[tuple[Frame, Collection[Group]]],
    failed: Collection[str] = (),
) -> dict[Cell, Score]:
    """The scores of cells in a clip from the label maps of its frames, whether networks give them or files.

    `failed` are the methods that failed by the end of the frames.
    """
    if clip.labelled_frames is not None:
        by_distance = DistanceScorer(cells, num_classes)
        for frame, groups in frames:
            by_distance.update(frame.labels, groups)
        return by_distance.end(failed)
    flow = FrameFlow(clip)
    scorer = ClipScorer(cells, num_classes, flow.source)
    for frame, groups in frames:
        scorer.update(frame.labels, groups, flow.step(torch.from_numpy(frame.image)))
    return scorer.end(failed)


def labelled_clips(dataset: Dataset) -> list[tuple[int, Clip]]:
    """The clips that can be scored, each with its number in the data set."""
    return [(index, clip) for index, clip in enumerate(dataset.clips) if clip.labelled]


def frames_to_score(clip: Clip) -> int | None:
    """How many frames are read for the accuracy: no more than up to the last label, where that is known."""
    return clip.num_frames if clip.labelled_frames is None else clip.labelled_frames[-1] + 1
