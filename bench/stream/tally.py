"""One replay of a camera, tallied clip by clip to a cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.metrics import measures_of_counts
from bench.runs.clip_counts import ClipCounts
from bench.runs.records.cell import Accuracy
from bench.runs.records.stream import KeyFrames, StreamCell, Waiting
from bench.stream.events import Replay


@dataclass(frozen=True, order=True)
class Way:
    """One replay of a clip: a camera, and what is done while frames wait."""

    interval: int
    rate: float
    waiting: Waiting
    keys: KeyFrames


class Tally:
    """One replay over the clips so far."""

    def __init__(self) -> None:
        self._counts: dict[str, np.ndarray] = {}
        self._labelled = self._frames = self._without = self._taken = self._keys = 0
        self._ages: list[int] = []

    def add(self, clip: str, counts: np.ndarray, labelled: int, replayed: Replay) -> None:
        """Take the next clip."""
        self._counts[clip] = counts[None]
        self._labelled += labelled
        self._frames += len(replayed.shown)
        self._without += sum(step is None for step in replayed.shown)
        self._taken += len({step.frame for step in replayed.steps})
        self._keys += sum(step.is_key for step in replayed.steps)
        self._ages += replayed.ages

    @property
    def counts(self) -> ClipCounts:
        """The pixel counts clip by clip."""
        return ClipCounts(tuple(self._counts), np.stack(list(self._counts.values())))

    @property
    def accuracy(self) -> Accuracy:
        """The accuracy over all clips."""
        return Accuracy(**measures_of_counts(self.counts.counts.sum(axis=(0, 1))), labelled_frames=self._labelled)

    def cell(self, backbone: str, method: str, way: Way, weights: str, offline: Tally, start: int) -> StreamCell:
        """The record; `offline` is the tally where every frame waits for its own result."""
        return StreamCell(
            backbone=backbone,
            method=method,
            interval=way.interval,
            rate=way.rate,
            waiting=way.waiting,
            keys=way.keys,
            weights=weights,
            start=start,
            accuracy=self.accuracy,
            offline_miou=offline.accuracy.miou,
            clips=self.counts.record(),
            offline_clips=offline.counts.record(),
            frames=self._frames,
            without_result=self._without,
            taken=self._taken,
            key_frames=self._keys,
            mean_age=sum(self._ages) / len(self._ages) if self._ages else None,
        )
