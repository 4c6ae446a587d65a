"""The label maps that a clip's replays show, each computed once and scored at every frame that it is on show at."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from bench.data import Clip
from bench.evaluate.finite import check_finite
from bench.evaluate.video import as_tensor
from bench.metrics import confusion_matrix
from bench.stream.events import Replay
from bench.stream.plan import Node, Plan
from mpvss.labels import IGNORE
from mpvss.video import VideoSegmenter

Name = TypeVar("Name", bound=Hashable)
Counts = np.ndarray
"""Int64 (C, 3): pixels of (intersection, truth, predicted) of each class."""


def score_clip(
    method: VideoSegmenter, clip: Clip, replays: Mapping[Name, Replay], num_classes: int, device: torch.device
) -> tuple[dict[Name, Counts], int]:
    """The pixel counts of each replay over the clip, and how many frames had labels.

    A frame at whose time nothing is on show counts as wrong at every pixel: it adds to the truth alone. Frames are
    streamed, and label maps and states kept while they are still asked for.
    """
    plan = Plan(replays)
    runs = _Runs(method)
    totals = {name: np.zeros((num_classes, 3), np.int64) for name in replays}
    labelled = 0
    for index, frame in enumerate(clip.frames()):
        with torch.inference_mode():
            runs.run(plan.on(index), as_tensor(frame.image, device))
        if frame.labels is not None:
            labelled += 1
            counts = runs.scored(index, frame.labels, num_classes)
            nothing = _truth_alone(frame.labels, num_classes)
            for name, shown in plan.shown.items():
                node = shown[index]
                totals[name] += nothing if node is None else counts[id(node)]
        runs.forget(index)
    return totals, labelled


class _Runs:
    """What the method gave for the nodes so far that are still asked for."""

    def __init__(self, method: VideoSegmenter) -> None:
        self._method = method
        self._states: dict[int, tuple[Node, Any]] = {}
        self._labels: dict[int, tuple[Node, np.ndarray]] = {}

    def run(self, nodes: list[Node], image: Tensor) -> None:
        """Run the method on a frame, for each state that it is propagated from once."""
        done: dict[int | None, tuple[np.ndarray, Any]] = {}
        for node in nodes:
            # A method that hands back the state it was given is propagated alike from all who hold it.
            before = None if node.parent is None else self._states[id(node.parent)][1]
            key = None if node.parent is None else id(before)
            if key not in done:
                done[key] = self._run_one(node, image, before)
            labels, state = done[key]
            self._labels[id(node)] = (node, labels)
            self._states[id(node)] = (node, state)

    def _run_one(self, node: Node, image: Tensor, before: Any) -> tuple[np.ndarray, Any]:
        method = self._method
        prediction, state = method.segment(image) if node.parent is None else method.propagate(image, before)
        check_finite(prediction)
        return prediction.labels().cpu().numpy(), state

    def scored(self, index: int, truth: np.ndarray, num_classes: int) -> dict[int, Counts]:
        """The counts of each node that is on show at a frame; one label map is compared once."""
        of_map: dict[int, Counts] = {}
        found = {}
        for name, (node, labels) in self._labels.items():
            if index in node.shown_at:
                if id(labels) not in of_map:
                    of_map[id(labels)] = _counts(confusion_matrix(truth, labels, num_classes))
                found[name] = of_map[id(labels)]
        return found

    def forget(self, index: int) -> None:
        """Drop what no later frame asks for."""
        self._states = {name: kept for name, kept in self._states.items() if kept[0].last_child > index}
        self._labels = {name: kept for name, kept in self._labels.items() if max(kept[0].shown_at, default=0) > index}


def _counts(confusion: np.ndarray) -> Counts:
    return np.stack((confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)), axis=-1)


def _truth_alone(truth: np.ndarray, num_classes: int) -> Counts:
    counts = np.zeros((num_classes, 3), np.int64)
    counts[:, 1] = np.bincount(truth[truth != IGNORE].ravel(), minlength=num_classes)[:num_classes]
    return counts


def frames_of(clip: Clip) -> int:
    """How many frames a clip has; where it does not say, it is read once to count them."""
    return sum(1 for _ in clip.frames()) if clip.num_frames is None else clip.num_frames
