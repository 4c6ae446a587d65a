"""What a cell's file keeps of each clip: the pixel counts that mIoU and WIoU follow from. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.metrics.bootstrap import Interval, bootstrap, mean_iou_of_counts, weighted_iou_of_counts
from bench.runs.records.cell import ClipPixels
from mpvss.errors import UserError

MEASURES = {"miou": mean_iou_of_counts, "wiou": weighted_iou_of_counts}
MOST_BYTES = 2**30
"""Bytes of the counts of one cell, at most: 343 clips of 124 classes at 10 distances take 10 MB."""


@dataclass(frozen=True)
class ClipCounts:
    """Clips, and for each, int64 (clips, distances, classes, 3): pixels of (intersection, truth, predicted).

    There is one distance but where clips are scored by distance from the key frame: then 0..interval-1, all of which
    have the same truth.
    """

    names: tuple[str, ...]
    counts: np.ndarray

    def record(self) -> list[ClipPixels]:
        """For each clip the classes that occur in it, and their counts in that order, zeros left out."""
        clips = []
        for name, counts in zip(self.names, self.counts, strict=True):
            occurring = np.flatnonzero(counts.any(axis=(0, 2)))
            intersection, truth, predicted = np.moveaxis(counts[:, occurring], -1, 0).tolist()
            clips.append(
                ClipPixels(
                    name=name,
                    classes=occurring.tolist(),
                    truth=truth[0],
                    intersection=intersection,
                    predicted=predicted,
                )
            )
        return clips

    @classmethod
    def from_record(cls, clips: Sequence[ClipPixels], num_classes: int) -> ClipCounts:
        """The counts that `record` gave.

        Raises:
            UserError: they would take over 1 GiB.
        """
        shape = (len(clips), len(clips[0].intersection), num_classes, 3)
        if np.prod(shape, dtype=float) * 8 > MOST_BYTES:
            raise UserError(
                f"pixel counts of {shape[0]} clips at {shape[1]} distances for {num_classes} classes take over "
                f"{MOST_BYTES} bytes; no cell has as many"
            )
        counts = np.zeros(shape, np.int64)
        for of_clip, clip in zip(counts, clips, strict=True):
            for column, pixels in enumerate((clip.intersection, clip.truth, clip.predicted)):
                of_clip[:, clip.classes, column] = pixels
        return cls(tuple(clip.name for clip in clips), counts)

    def interval(self, measure: str) -> Interval | None:
        """The 95 % interval of `miou` or `wiou`; None for fewer than two clips."""
        return bootstrap([(1.0, self.counts)], MEASURES[measure])


def contrast(terms: Sequence[tuple[float, ClipCounts]], measure: str = "miou") -> Interval | None:
    """The 95 % interval of a weighted sum of the cells' `miou` or `wiou`, see `bootstrap`.

    Raises:
        UserError: cells that were scored on other clips.
    """
    names = {counts.names for _, counts in terms}
    if len(names) > 1:
        raise UserError("the cells were scored on different clips; they have no paired difference")
    return bootstrap([(weight, counts.counts) for weight, counts in terms], MEASURES[measure])
