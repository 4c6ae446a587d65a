"""The cells that a sweep is asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bench.data import Dataset
from bench.evaluate.lockstep import Cell
from bench.evaluate.schedule import FixedInterval
from bench.methods.names import FRAMES_BEFORE, GROUND_TRUTH_FLOW, WITHOUT_KEY_FRAMES, has_method, method_of
from bench.runs.records.run import Asked
from mpvss.errors import UserError


@dataclass(frozen=True)
class Grid:
    """The cells that are asked for; `methods` are rows, METHOD or METHOD@LABEL.

    `without_key_frames` are rows to which an interval means nothing, beside those of `WITHOUT_KEY_FRAMES`.
    """

    methods: tuple[str, ...]
    backbones: tuple[str, ...]
    intervals: tuple[int, ...]
    without_key_frames: Collection[str] = ()

    def __post_init__(self) -> None:
        for name, values in (
            ("methods", self.methods),
            ("backbones", self.backbones),
            ("intervals", self.intervals),
        ):
            if not values:
                raise UserError(f"no {name} are given; a sweep needs one or more")
        for interval in self.intervals:
            FixedInterval(interval)

    @property
    def asked(self) -> Asked:
        """The lists as a run's file keeps them."""
        return Asked(methods=list(self.methods), backbones=list(self.backbones), intervals=list(self.intervals))

    def cells(self, backbone: str | None = None) -> list[Cell]:
        """The cells of one backbone, of the methods that it has; of any where None.

        A method without key frames has one, at interval 1.
        """
        return [
            Cell(method, interval)
            for method in dict.fromkeys(self.methods)
            if backbone is None or has_method(backbone, method)
            for interval in ((1,) if self._has_no_key_frames(method) else sorted(set(self.intervals)))
        ]

    def _has_no_key_frames(self, row: str) -> bool:
        return row in self.without_key_frames or method_of(row) in WITHOUT_KEY_FRAMES

    def _check_frames_before(self, dataset: Dataset) -> None:
        for row in self.methods:
            needed = FRAMES_BEFORE.get(method_of(row), 0)
            for clip in dataset.clips:
                first = min(clip.labelled_frames or (needed,))
                if first < needed:
                    raise UserError(
                        f"{row} segments a frame from those up to {needed} before it, and clip {clip.name} has {first} "
                        f"before frame {first}, which is labelled; leave out the method, or the clip"
                    )

    def check_data(self, dataset: Dataset) -> None:
        """Check that clips have ground-truth flow where it is asked for, and reach back as far as the intervals ask.

        Raises:
            UserError: clips without ground-truth flow; a labelled frame too near the start to be scored by distance, or
                for a method that refers to earlier frames.
        """
        for method in self.methods:
            if method_of(method) == GROUND_TRUTH_FLOW and any(clip.flow is None for clip in dataset.clips):
                raise UserError(
                    f"{method} needs ground-truth flow, which {dataset.identity} does not have; use synthetic data"
                )
        self._check_frames_before(dataset)
        reach = max(cell.interval for cell in self.cells())
        for clip in dataset.clips:
            first = min(clip.labelled_frames or (reach,))
            if first < reach - 1:
                raise UserError(
                    f"interval {reach} puts a key frame {reach - 1} frames before a labelled one, and clip {clip.name} "
                    f"has {first} frames before frame {first}, which is labelled; give intervals up to {first + 1}"
                )
