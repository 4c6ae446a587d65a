"""A stream as events: from the times that frames take to what is on show at each frame's time. No network, no torch.

Frame i of a camera of rate r comes at i / r seconds. On show at a time is the finished label map of the newest frame.
This follows Li et al. ("Towards Streaming Perception", ECCV 2020), who score detections so; key frames are added.

Key frames are counted in frames of the camera: one is due when the last one lies `interval` frames back or more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from bench.runs.records.stream import KeyFrames, Waiting
from mpvss.errors import UserError


@dataclass(frozen=True)
class Durations:
    """How long frames take, in seconds: the samples of each kind in their order, over and over.

    A method that is asked for key frames alone needs no `non_key`. A clip begins at the sample of the number `first`.
    """

    key: Sequence[float]
    non_key: Sequence[float]
    first: int = 0

    def of_keys(self) -> Iterator[float]:
        """The times of key frames, without end."""
        return self._from_first(self.key, "key")

    def of_non_keys(self) -> Iterator[float]:
        """The times of non-key frames, without end."""
        return self._from_first(self.non_key, "non-key")

    def _from_first(self, samples: Sequence[float], kind: str) -> Iterator[float]:
        if not samples:
            raise UserError(f"there is no sample of a {kind} frame; time the method at an interval above 1")
        return islice(cycle(samples), self.first % len(samples), None)


@dataclass(frozen=True)
class Step:
    """One run of the method.

    Attributes:
        frame: which frame of the clip it is run on.
        parent: index of the step whose state it propagates from; None for a key frame.
        started: when, in seconds after the first frame came.
        finished: when its label map is there.

    """

    frame: int
    parent: int | None
    started: float
    finished: float

    @property
    def is_key(self) -> bool:
        """Whether the frame is segmented from nothing."""
        return self.parent is None


@dataclass(frozen=True)
class Replay:
    """What happened: every run of the method, and for each frame the index of the one on show at its time, or None."""

    steps: tuple[Step, ...]
    shown: tuple[int | None, ...]

    @property
    def ages(self) -> list[int]:
        """Of what is on show, how many frames of the camera it is old; frames with nothing on show are left out."""
        return [frame - self.steps[step].frame for frame, step in enumerate(self.shown) if step is not None]


def replay(
    frames: int, rate: float, interval: int, durations: Durations, *, waiting: Waiting, keys: KeyFrames
) -> Replay:
    """Replay a stream.

    Args:
        frames: how many the camera gives.
        rate: how many a second.
        interval: from a key frame to the next, in frames of the camera.
        durations: how long frames take.
        waiting: `drop`, where the method takes the newest frame when it is free and leaves out those before; or
            `queue`, where it takes every frame in turn, however late.
        keys: `sync`, where a key frame holds up the frames after it; or `background`, where key frames have a
            processor of their own and every frame is propagated meanwhile, from the last key frame that is finished.

    Raises:
        UserError: no frame, a rate that is not above 0, an interval below 1; background key frames at interval 1; no
            sample of a kind of frame that occurs.
    """
    if frames < 1 or not rate > 0 or interval < 1:
        raise UserError(
            f"{frames} frames at {rate:g} Hz and interval {interval}; give 1 or more, above 0, and 1 or more"
        )
    arrivals = [frame / rate for frame in range(frames)]
    if keys == "background":
        if interval == 1:
            raise UserError("at interval 1 every frame is a key frame, so that none is left to go on meanwhile")
        segmented = _taken_alone(arrivals, interval, durations.of_keys(), drop=waiting == "drop")
        steps = _propagated_meanwhile(arrivals, segmented, durations.of_non_keys(), drop=waiting == "drop")
    else:
        steps = _one_after_the_other(arrivals, interval, durations, drop=waiting == "drop")
    return Replay(tuple(steps), tuple(_on_show(steps, time) for time in arrivals))


def _next_frame(arrivals: Sequence[float], done: int, free: float, *, drop: bool) -> tuple[int, float] | None:
    """The frame that is taken after frame `done`, and when, by one who is free at a time; None after the last."""
    frame = done + 1
    if drop:
        frame = max(frame, bisect_right(arrivals, free) - 1)
    return (frame, max(free, arrivals[frame])) if frame < len(arrivals) else None


def _one_after_the_other(arrivals: Sequence[float], interval: int, durations: Durations, *, drop: bool) -> list[Step]:
    steps: list[Step] = []
    key_times, other_times = durations.of_keys(), durations.of_non_keys() if interval > 1 else iter(())
    key, done, free = -interval, -1, 0.0
    while (taken := _next_frame(arrivals, done, free, drop=drop)) is not None:
        done, started = taken
        is_key = done - key >= interval
        free = started + next(key_times if is_key else other_times)
        steps.append(Step(done, None if is_key else len(steps) - 1, started, free))
        key = done if is_key else key
    return steps


def _taken_alone(arrivals: Sequence[float], interval: int, times: Iterator[float], *, drop: bool) -> list[Step]:
    """The key frames of a processor of their own."""
    steps: list[Step] = []
    key, free = -interval, 0.0
    while (taken := _next_frame(arrivals, key + interval - 1, free, drop=drop)) is not None:
        key, started = taken
        free = started + next(times)
        steps.append(Step(key, None, started, free))
    return steps


def _propagated_meanwhile(
    arrivals: Sequence[float], segmented: Sequence[Step], times: Iterator[float], *, drop: bool
) -> list[Step]:
    """The key frames, and every frame after the first of them propagated from the last one that is finished."""
    steps = list(segmented)
    root = last = 0  # the key frame, and the step, whose state is gone on with
    done, free = segmented[0].frame, segmented[0].finished
    while (taken := _next_frame(arrivals, done, free, drop=drop)) is not None:
        done, started = taken
        finished = [i for i, key in enumerate(segmented) if key.finished <= started and key.frame <= done]
        if segmented[finished[-1]].frame == done:
            free = started  # its result is there
            continue
        if finished[-1] != root:
            root = last = finished[-1]
        free = started + next(times)
        steps.append(Step(done, last, started, free))
        last = len(steps) - 1
    return steps


def _on_show(steps: Sequence[Step], time: float) -> int | None:
    """The finished step of the newest frame; of several, that of the key frame."""
    finished = [i for i, step in enumerate(steps) if step.finished <= time]
    return max(finished, key=lambda i: (steps[i].frame, steps[i].is_key), default=None)
