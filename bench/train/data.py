"""Clips of any data set with frames in any order, as training reads them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

import numpy as np

from bench.data import Clip, Dataset, Frame
from mpvss.errors import UserError

T = TypeVar("T")


class FrameCache:
    """The most recently used clips, whole, in memory: up to `capacity` bytes, but always the last one."""

    def __init__(self, capacity: float) -> None:
        self._capacity = capacity
        self._clips: OrderedDict[str, list[Frame]] = OrderedDict()
        self._bytes = 0.0
        self._lock = threading.Lock()

    def frames(self, clip: Clip) -> list[Frame]:
        """All frames of a clip."""
        with self._lock:
            if clip.name not in self._clips:
                self._clips[clip.name] = frames = list(clip.frames())
                self._bytes += _size(frames)
                while self._bytes > self._capacity and len(self._clips) > 1:
                    self._bytes -= _size(self._clips.popitem(last=False)[1])
            self._clips.move_to_end(clip.name)
            return self._clips[clip.name]


class RandomAccessClip:
    """A clip as `mpvss.training.pairs` reads it. A clip that can only be streamed is kept in the cache."""

    def __init__(self, clip: Clip, cache: FrameCache) -> None:
        self.name = clip.name
        self._clip = clip
        self._cache = cache
        assert clip.num_frames is not None, "clips with labels or flow know their length"
        self.labelled: Sequence[int] = range(clip.num_frames)
        if clip.labelled_frames is not None:
            self.labelled = clip.labelled_frames

    def frame(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        """A frame, (3, H, W), and its labels."""
        one = self._cache.frames(self._clip)[index] if self._clip.read_frame is None else self._clip.frame(index)
        return one.image, one.labels

    def flow(self, index: int, key: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Ground-truth backward flow and occlusion; None if the clip does not have them."""
        return None if self._clip.flow is None else self._clip.flow(index, key)


def training_clips(dataset: Dataset, *, with_flow: bool, cache_gb: float) -> list[RandomAccessClip]:
    """The clips with labels or, `with_flow`, those with ground-truth flow; UserError if there is no such clip."""
    cache = FrameCache(cache_gb * 1e9)
    clips = [
        RandomAccessClip(clip, cache)
        for clip in dataset.clips
        if (clip.flow is not None if with_flow else clip.labelled)
    ]
    if not clips:
        raise UserError(
            f"{dataset.identity} has no {'ground-truth flow' if with_flow else 'labels'}, which training needs"
        )
    return clips


class Ahead(Generic[T]):
    """A function of the step whose values for the next steps are computed by threads in advance."""

    def __init__(self, make: Callable[[int], T], workers: int, steps: int) -> None:
        self._make = make
        self._steps = steps
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers) if workers else None
        self._waiting: dict[int, Future[T]] = {}

    def __call__(self, step: int) -> T:
        """The value at a step; steps are asked for in order."""
        if self._pool is None:
            return self._make(step)
        for later in range(step, min(step + 2 * self._workers, self._steps)):
            if later not in self._waiting:
                self._waiting[later] = self._pool.submit(self._make, later)
        return self._waiting.pop(step).result()

    def close(self) -> None:
        """Drop the values that nothing waits for, and end the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _size(frames: list[Frame]) -> int:
    return sum(frame.image.nbytes + (0 if frame.labels is None else frame.labels.nbytes) for frame in frames)
