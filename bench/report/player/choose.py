"""Which clips of a run are worth watching: those where methods lose most, and least, against per-frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.methods.names import PER_FRAME, method_of
from bench.metrics.bootstrap import mean_iou_of_counts
from bench.runs.clip_counts import ClipCounts
from bench.runs.records.cell import CellKey


@dataclass(frozen=True)
class ChosenClip:
    """A clip of a run.

    Attributes:
        name: of the clip.
        gap: mIoU of the cells less that of per-frame, 0..1, their mean; without per-frame, the mean mIoU.
        place: of the clip when all are ordered by their gap, the worst first, from 0.
        of: how many clips there are.
        against_per_frame: whether there is a per-frame cell to be compared with.

    """

    name: str
    gap: float
    place: int
    of: int
    against_per_frame: bool

    @property
    def title(self) -> str:
        """Why it was chosen, in a few words."""
        rank = {0: "worst", self.of - 1: "best"}.get(self.place, "median" if 2 * self.place == self.of - 1 else "")
        rank = rank or f"{self.place + 1}. of {self.of}"
        points = f"{100 * self.gap:+.1f} points to per-frame" if self.against_per_frame else f"mIoU {self.gap:.1%}"
        return f"{self.name} ({'' if self.of == 1 else f'{rank}: '}{points})"


def choose_clips(counts: Mapping[CellKey, ClipCounts], most: int) -> list[ChosenClip]:
    """So many clips, evenly spread from the worst to the best: of two these, of three the median as well.

    Args:
        counts: pixel counts of the cells that are shown, all of the same clips.
        most: how many clips, at most.

    """
    if not counts or most < 1:
        return []
    values = {key: mean_iou_of_counts(of_clips.counts.astype(float)) for key, of_clips in counts.items()}
    bases = {key.backbone: value for key, value in values.items() if key.method == PER_FRAME}
    against = [key for key in counts if key.backbone in bases and method_of(key.method) != PER_FRAME]
    if against:
        gaps = np.mean([values[key] - bases[key.backbone] for key in against], axis=0)
    else:
        gaps = np.mean(list(values.values()), axis=0)
    names = next(iter(counts.values())).names
    order = np.argsort(gaps, kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, min(most, len(order))).round().astype(int))
    return [
        ChosenClip(names[order[place]], float(gaps[order[place]]), int(place), len(order), bool(against))
        for place in places
    ]
