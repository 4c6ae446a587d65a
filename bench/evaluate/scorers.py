"""Scores of many cells on one clip, from the label maps of a lockstep."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from bench import metrics
from bench.evaluate.lockstep import Cell, Group
from bench.evaluate.scores import CONSISTENCIES, WINDOWS, Score

Pair = tuple[int, int]
"""The identities of two label maps that are alive."""


class ClipScorer:
    """Scores of many cells on one clip, fed frame by frame.

    VC needs successive labels: it is left out for a clip of which some frame has none. TC needs none, but the flow
    between successive frames.
    """

    def __init__(self, cells: Iterable[Cell], num_classes: int, flow_source: str | None = None) -> None:
        """Start before a clip's first frame; `flow_source` says whose flow `update` is told, None: of nobody."""
        self._num_classes = num_classes
        self._flow_source = flow_source
        self._confusion = {cell: np.zeros((num_classes, num_classes), np.int64) for cell in cells}
        self._consistency = {cell: [make(WINDOWS) for make in CONSISTENCIES] for cell in self._confusion}
        self._temporal = {cell: np.zeros((num_classes, num_classes), np.int64) for cell in self._confusion}
        self._previous: dict[Cell, np.ndarray] = {}
        self._labelled = 0
        self._gaps = False

    def update(self, truth: np.ndarray | None, groups: Collection[Group], sources: np.ndarray | None = None) -> None:
        """Take a frame's truth, uint8 (H, W) or None, and the label maps of the cells.

        `sources` are those of `bench.metrics.flow_sources`, to the frame before; None: TC is not measured here.
        """
        if self._flow_source is not None:
            self._update_temporal(groups, sources)
        if truth is None:
            self._gaps = True
            return
        self._labelled += 1
        for group in groups:
            confusion = metrics.confusion_matrix(truth, group.labels, self._num_classes)
            for cell in group.cells:
                self._confusion[cell] += confusion
                if not self._gaps:
                    for measure in self._consistency[cell]:
                        measure.update(truth, group.labels)

    def _update_temporal(self, groups: Collection[Group], sources: np.ndarray | None) -> None:
        if sources is not None:
            self._add_pairs(groups, sources)
        self._previous = {cell: group.labels for group in groups for cell in group.cells}

    def _add_pairs(self, groups: Collection[Group], sources: np.ndarray) -> None:
        pairs: dict[Pair, np.ndarray] = {}
        for group in groups:
            for cell in group.cells:
                previous = self._previous[cell]
                pair = (id(previous), id(group.labels))
                if pair not in pairs:
                    pairs[pair] = metrics.temporal_confusion(previous, group.labels, sources, self._num_classes)
                self._temporal[cell] += pairs[pair]

    def end(self, failed: Collection[str]) -> dict[Cell, Score]:
        """The scores of the clip, but for the cells of the methods that failed in it."""
        scores = {}
        for cell, confusion in self._confusion.items():
            if cell.method not in failed:
                sums = np.zeros((len(CONSISTENCIES), len(WINDOWS), 2))
                for row, measure in zip(sums, self._consistency[cell], strict=True):
                    if not self._gaps:
                        windows = measure.end_clip()
                        row[:] = [_sum_and_count(windows[n]) for n in WINDOWS]
                temporal = None if self._flow_source is None else self._temporal[cell]
                scores[cell] = Score(confusion, sums, self._labelled, temporal, self._flow_source)
        return scores


class DistanceScorer:
    """Scores of many cells on one clip at every distance from the key frame, fed frame by frame.

    There is no VC, which needs successive labels.
    """

    def __init__(self, cells: Iterable[Cell], num_classes: int) -> None:
        self._num_classes = num_classes
        self._confusion = {cell: np.zeros((cell.interval, num_classes, num_classes), np.int64) for cell in cells}
        self._labelled = 0

    def update(self, truth: np.ndarray | None, groups: Collection[Group]) -> None:
        """Take a frame's truth, uint8 (H, W) or None, and the label maps of the cells with their distances."""
        if truth is None:
            return
        self._labelled += 1
        for group in groups:
            assert group.distance is not None, "the lockstep was told the labelled frames"
            confusion = metrics.confusion_matrix(truth, group.labels, self._num_classes)
            for cell in group.cells:
                self._confusion[cell][group.distance] += confusion

    def end(self, failed: Collection[str]) -> dict[Cell, Score]:
        """The scores of the clip, but for the cells of the methods that failed in it."""
        no_windows = np.zeros((len(CONSISTENCIES), len(WINDOWS), 2))
        return {
            cell: Score(confusion, no_windows, self._labelled)
            for cell, confusion in self._confusion.items()
            if cell.method not in failed
        }


def _sum_and_count(windows: tuple[float, ...]) -> tuple[float, int]:
    measured = [value for value in windows if not np.isnan(value)]
    return sum(measured), len(measured)
