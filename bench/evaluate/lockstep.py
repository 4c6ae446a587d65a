"""Every method and interval over one clip at once, so that no frame is segmented twice.

A frame's prediction depends on its key frame and on the frames between the two, not on the interval that
chose the key frame. So all intervals whose current key frame is k share one track: one state, one prediction,
one label map a frame. Methods that are built on the same networks share those networks' results besides.
A method without key frames has one track, from the clip's first frame on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from bench.evaluate.finite import check_finite
from bench.evaluate.memo import Memo
from bench.evaluate.schedule import FixedInterval
from bench.evaluate.turns import follows_the_clip, propagate, segment
from mpvss.errors import UserError
from mpvss.video import Prediction, VideoSegmenter, lookahead_of

GroundTruthFlow = Callable[[int, int], tuple[np.ndarray, np.ndarray]]
"""Backward flow, (2, H, W) in pixels, from one frame to an earlier one, and what is occluded; as `Clip.flow`."""


@runtime_checkable
class TakesGroundTruthFlow(Protocol):
    """A segmenter that is given the ground-truth flow to its key frame before each `propagate`."""

    def take_ground_truth_flow(self, state: Any, flow: Tensor) -> Any:
        """The state with the backward flow, (2, H, W) in pixels, from the next frame to the key frame."""
        ...


@dataclass(frozen=True, order=True)
class Cell:
    """One method, or labelled row of it, at one key-frame interval, for the backbone at hand."""

    method: str
    interval: int


@dataclass(frozen=True)
class Group:
    """The cells that one label map, uint8 (H, W) on the host, answers for.

    `distance` counts the frames since the key frame, in a clip that is scored by distance.
    """

    cells: tuple[Cell, ...]
    labels: np.ndarray
    distance: int | None = None


@dataclass
class _Track:
    state: Any
    prediction: Prediction
    labels: np.ndarray | None


class Lockstep:
    """The cells of one backbone over one clip, frame by frame.

    A method that raises is dropped with its error in `failed`, and the others go on.

    With `labelled_frames`, key frames lie at every distance 0..k-1 before each of these (k: the largest interval of a
    method) in place of those of the intervals, and only these frames have label maps: the one at distance d answers for
    every interval above d. Frames before the first key frame and after the last labelled one are not looked at, but by
    methods without key frames, which take every frame from the clip's first on, and answer for their one interval.
    """

    def __init__(
        self,
        segmenters: Mapping[str, VideoSegmenter],
        cells: Collection[Cell],
        memo: Memo,
        labelled_frames: Sequence[int] | None = None,
        ground_truth_flow: GroundTruthFlow | None = None,
    ) -> None:
        """Start before the clip's first frame.

        Args:
            segmenters: by method; every cell's is among them.
            cells: what is evaluated.
            memo: what the networks that methods share were built with.
            labelled_frames: the indices of the frames that are scored by distance; None: every frame is scored.
            ground_truth_flow: the clip's, where a method takes it.

        """
        assert labelled_frames is None or all(
            cell.interval <= labelled + 1 for cell in cells for labelled in labelled_frames
        ), "the clip reaches as far back as the intervals ask"
        self.failed: dict[str, Exception] = {}
        self._labelled_frames = labelled_frames
        self._ground_truth_flow = ground_truth_flow
        self._segmenters = segmenters
        self._memo = memo
        self._cells: dict[str, list[Cell]] = {}
        for cell in sorted(cells):
            self._cells.setdefault(cell.method, []).append(cell)
        self._without_keys = {method for method in self._cells if follows_the_clip(segmenters[method])}
        assert all(len(self._cells[method]) == 1 for method in self._without_keys), "the grid gives them one cell"
        self._tracks: dict[tuple[str, int], _Track] = {}
        self._index = 0

    @property
    def lookahead(self) -> int:
        """How many frames must be shown before their turn."""
        return max((lookahead_of(self._segmenters[method]) for method in self._cells), default=0)

    def step(self, frame: Tensor, coming: Sequence[Tensor] = ()) -> list[Group]:
        """The label maps of the clip's next frame, (3, H, W), each with the cells it is the answer of.

        `coming` are the frames that follow it: `lookahead` of them, fewer at the clip's end.
        """
        with self._memo.one_frame():
            return self._step(frame, coming)

    def _step(self, frame: Tensor, coming: Sequence[Tensor]) -> list[Group]:
        answers: dict[tuple[int, int | None], tuple[np.ndarray, list[Cell]]] = {}
        for method in list(self._cells):
            try:
                with torch.inference_mode():
                    by_key = self._advance(method, frame, coming)
            except Exception as error:
                self._drop(method, error)
                continue
            for key, cells in by_key.items():
                labels = self._tracks[method, key].labels
                if labels is not None:
                    distance = None if self._labelled_frames is None else self._distance(method, key)
                    answers.setdefault((id(labels), distance), (labels, []))[1].extend(cells)
        self._index += 1
        return [Group(tuple(cells), labels, distance) for (_, distance), (labels, cells) in answers.items()]

    def _distance(self, method: str, key: int) -> int:
        return 0 if method in self._without_keys else self._index - key

    def _advance(self, method: str, frame: Tensor, coming: Sequence[Tensor]) -> dict[int, list[Cell]]:
        """Bring the tracks of `method` to this frame; the cells of each, by the index of its key frame."""
        segmenter = self._segmenters[method]
        by_key = self._cells_by_key(method)
        for name, key in list(self._tracks):
            if name == method and key not in by_key:
                del self._tracks[name, key]
        for key, cells in by_key.items():
            track = self._tracks.get((method, key))
            if track is None:
                prediction, state = segment(segmenter, frame, coming)
            else:
                state = track.state
                if isinstance(segmenter, TakesGroundTruthFlow):
                    assert self._ground_truth_flow is not None, "the grid was checked against the data"
                    flow, _ = self._ground_truth_flow(self._index, key)
                    state = segmenter.take_ground_truth_flow(state, torch.from_numpy(flow).to(frame.device))
                prediction, state = propagate(segmenter, frame, state, coming)
            labels = self._labels(prediction, frame, segmenter.num_classes) if cells else None
            self._tracks[method, key] = _Track(state, prediction, labels)
        return by_key

    def _cells_by_key(self, method: str) -> dict[int, list[Cell]]:
        """The key frames whose tracks reach this frame, and the cells that each one's label map answers for here."""
        cells = self._cells[method]
        if method in self._without_keys:
            return self._cells_of_the_clip(cells)
        by_key: dict[int, list[Cell]] = {}
        if self._labelled_frames is None:
            for cell in cells:
                by_key.setdefault(FixedInterval(cell.interval).key_of(self._index), []).append(cell)
            return by_key
        reach = max(cell.interval for cell in cells)
        for labelled in self._labelled_frames:
            if self._index <= labelled:
                for key in range(labelled - reach + 1, self._index + 1):
                    answered = by_key.setdefault(key, [])
                    if self._index == labelled:
                        answered += [cell for cell in cells if cell.interval > labelled - key]
        return by_key

    def _cells_of_the_clip(self, cells: list[Cell]) -> dict[int, list[Cell]]:
        if self._labelled_frames is None or self._index in self._labelled_frames:
            return {0: cells}
        return {0: []} if self._index < self._labelled_frames[-1] else {}

    def _labels(self, prediction: Prediction, frame: Tensor, num_classes: int) -> np.ndarray:
        """The label map of a prediction, made once however many tracks hold it."""
        for track in self._tracks.values():
            if track.prediction is prediction and track.labels is not None:
                return track.labels
        check_finite(prediction)
        labels = prediction.labels()
        if labels.shape != frame.shape[1:]:
            raise UserError(
                f"the label map is {tuple(labels.shape)} and the frame {tuple(frame.shape[1:])}; they must agree"
            )
        if int(labels.max()) >= num_classes:
            raise UserError(f"the label map holds class {int(labels.max())} of a method of {num_classes} classes")
        return labels.cpu().numpy()

    def _drop(self, method: str, error: Exception) -> None:
        self.failed[method] = error
        del self._cells[method]
        for name, key in list(self._tracks):
            if name == method:
                del self._tracks[name, key]
