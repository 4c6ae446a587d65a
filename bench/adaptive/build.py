"""A clip's table: the method run from every key frame to every frame it may serve, with every signal on the way."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.adaptive.signals import Signal
from bench.adaptive.table import ClipTable
from bench.data import Clip
from bench.evaluate.finite import check_finite
from bench.evaluate.memo import Memo
from bench.evaluate.video import as_tensor
from bench.metrics import confusion_matrix
from mpvss.errors import UserError
from mpvss.video import Prediction, VideoSegmenter

RANDOM = "random"
"""A number for each frame that nothing is known from."""


def clip_table(
    method: VideoSegmenter,
    clip: Clip,
    signals: Mapping[str, Signal],
    *,
    longest: int,
    num_classes: int,
    device: torch.device,
    memo: Memo,
    seed: int = 0,
    tick: Callable[[], object] = lambda: None,
) -> ClipTable:
    """Run a method over a clip.

    Args:
        method: with key frames.
        clip: every frame of it has labels.
        signals: by name; `random` is added to them.
        longest: frames from a key frame to the next, at most, so that each key frame serves as many.
        num_classes: of the labels.
        device: where the method is.
        memo: what networks that the method and the signals share were built with.
        seed: of the random signal.
        tick: called after each frame.

    Raises:
        UserError: a frame without labels.
    """
    run = _ClipRun(method, signals, num_classes, memo)
    for frame in clip.frames():
        if frame.labels is None:
            raise UserError(
                f"clip {clip.name}, frame {frame.name}: it has no labels; schedules are judged on every frame"
            )
        with torch.inference_mode(), memo.one_frame():
            run.step(as_tensor(frame.image, device), frame.labels, longest)
        tick()
    draw = np.random.default_rng((seed, zlib.crc32(clip.name.encode())))
    return run.table(clip.name, draw)


class _ClipRun:
    def __init__(self, method: VideoSegmenter, signals: Mapping[str, Signal], num_classes: int, memo: Memo) -> None:
        self._method = method
        self._signals = signals
        self._classes = num_classes
        self._memo = memo
        self._tracks: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._truth: list[np.ndarray] = []
        self._counts: dict[tuple[int, int], np.ndarray] = {}
        self._values: dict[str, dict[tuple[int, int], float]] = {name: {} for name in signals}

    def step(self, frame: Tensor, truth: np.ndarray, longest: int) -> None:
        """The next frame: propagated from every key frame that may serve it, then as a key frame itself."""
        index = len(self._truth)
        self._tracks.pop(index - longest, None)
        for key, (state, kept) in self._tracks.items():
            prediction, state = self._method.propagate(frame, state)
            self._note(key, index, prediction, truth)
            self._tracks[key] = (state, kept)
            for name, signal in self._signals.items():
                self._values[name][key, index] = signal.score(kept[name], frame, prediction)
        prediction, state = self._method.segment(frame)
        self._note(index, index, prediction, truth)
        kept = {name: signal.of_key(frame, prediction) for name, signal in self._signals.items()}
        self._tracks[index] = (state, kept)
        self._truth.append(self._counts[index, index][:, 1])

    def _note(self, key: int, index: int, prediction: Prediction, truth: np.ndarray) -> None:
        check_finite(prediction)
        confusion = confusion_matrix(truth, prediction.labels().cpu().numpy(), self._classes)
        self._counts[key, index] = np.stack(
            (confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)), axis=-1
        )

    def table(self, name: str, draw: np.random.Generator) -> ClipTable:
        """All of it."""
        frames = len(self._truth)
        hits, predicted = (np.zeros((frames, frames, self._classes), np.int64) for _ in range(2))
        for place, counts in self._counts.items():
            hits[place], predicted[place] = counts[:, 0], counts[:, 2]
        signals = {signal: np.full((frames, frames), np.nan) for signal in self._values}
        for signal, values in self._values.items():
            for place, value in values.items():
                signals[signal][place] = value
        later = np.triu(np.ones((frames, frames), bool), 1)
        signals[RANDOM] = np.where(later, draw.random(frames)[None], np.nan)
        return ClipTable(name, np.stack(self._truth), hits, predicted, signals)
