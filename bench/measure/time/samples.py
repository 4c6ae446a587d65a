"""Times of single frames, and figures computed from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Literal, get_args

from bench.evaluate.schedule import FixedInterval

CLIP_LENGTH = 15
"""Frames of the clip that costs are averaged over (the paper's: for interval 5, key frames at 0, 5, 10)."""

COMMON_THROTTLING = 0.05
"""The share of throttled passes above which times cannot be trusted."""

Kind = Literal["key", "non-key"]
Scope = Literal["model", "labels", "video", "throughput"]
"""Where a time starts and ends.

`model`: from the frame on the device to its scores on the device. `labels`: from the frame on the device to the label
map on the host. `video`: from decoding the frame to the label map on the host. `throughput`: no latency, but what a
frame takes among those of several streams; see `bench.measure.time.streams`.
"""
KINDS: tuple[Kind, ...] = get_args(Kind)
KIND_FIELDS: dict[Kind, str] = {kind: kind.replace("-", "_") for kind in KINDS}
"""Each kind as part of a field's name: `p50_non_key_ms`."""
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True)
class Sample:
    """One frame's time.

    Attributes:
        round: from 0; warm-up rounds count on their own.
        place: place of the method's pass in the random order of the round, from 0.
        frame: index in the clip.
        key: whether it was a key frame.
        seconds: by the host's clock; in scope `model` on a CUDA device, between events on the device.
        other_clock: on a CUDA device, seconds by the other clock: in scope `model` the host's, until the frame had
            been issued; else between events on the device. None elsewhere.
        throttled: whether the card slowed itself down around the frame's pass; None where unknown.
        process: which of several processes timed it, from 0; None where one timed all.

    """

    round: int
    place: int
    frame: int
    key: bool
    seconds: float
    other_clock: float | None = None
    throttled: bool | None = None
    process: int | None = None


@dataclass
class Times:
    """Every sample of a method in one scope, and separately the warm-up samples, which no figure uses."""

    samples: list[Sample] = field(default_factory=list)
    warmup: list[Sample] = field(default_factory=list)

    def seconds(self, kind: Kind) -> list[float]:
        """The times of one kind of frame."""
        return [sample.seconds for sample in self.samples if sample.key == (kind == "key")]

    def by_process(self, kind: Kind) -> list[list[float]]:
        """The times of one kind of frame, process by process."""
        found: dict[int, list[float]] = {}
        for sample in self.samples:
            if sample.key == (kind == "key"):
                found.setdefault(sample.process or 0, []).append(sample.seconds)
        return [found[process] for process in sorted(found)]

    def fps(self, interval: int) -> float | None:
        """Frames a second over a 15-frame clip, from the mean time of each kind; None if one is missing."""
        means: dict[Kind, float] = {kind: fmean(times) for kind in KINDS if (times := self.seconds(kind))}
        seconds = amortise(means, interval)
        return None if seconds is None else 1 / seconds

    def fps_of_passes(self, interval: int) -> list[list[float]]:
        """As `fps`, of each pass by itself, process by process: of those that have every kind that occurs."""
        passes: dict[tuple[int, int], dict[Kind, list[float]]] = {}
        for sample in self.samples:
            kind: Kind = "key" if sample.key else "non-key"
            passes.setdefault((sample.process or 0, sample.round), {}).setdefault(kind, []).append(sample.seconds)
        found: dict[int, list[float]] = {}
        for (process, _), kinds in sorted(passes.items()):
            means: dict[Kind, float] = {kind: fmean(times) for kind, times in kinds.items()}
            seconds = amortise(means, interval)
            if seconds is not None:
                found.setdefault(process, []).append(1 / seconds)
        return list(found.values())

    def late(self, kind: Kind, deadline: float) -> float | None:
        """The share of frames of a kind that took longer than `deadline` seconds; None if there is no frame."""
        times = self.seconds(kind)
        return fmean(time > deadline for time in times) if times else None


def amortise(of_kind: Mapping[Kind, float], interval: int) -> float | None:
    """A quantity of each kind of frame, averaged over a 15-frame clip; None if a kind that occurs is missing."""
    keys = FixedInterval(interval).count_keys(CLIP_LENGTH)
    counts: dict[Kind, int] = {"key": keys, "non-key": CLIP_LENGTH - keys}
    if any(count and kind not in of_kind for kind, count in counts.items()):
        return None
    return sum(count * of_kind[kind] for kind, count in counts.items() if count) / CLIP_LENGTH


@dataclass(frozen=True)
class Course:
    """How the interleaved sampling of methods went.

    Attributes:
        stopped: what ended it: `rounds`, `precision`, `time limit`, or `failure` of every method; `processes` where
            each process is as precise as was asked for, and all of them together are not, since they differ.
        rounds: how many there were.
        seconds: how long they took.
        before_seconds: how long the backbone took before the first of them: building, memory, operators and warm-up.
        warmup_rounds: how many came before them.
        warmup_stable: whether the warm-up ended because times had settled; None for a warm-up of fixed length.

    """

    stopped: str
    rounds: int
    seconds: float
    before_seconds: float
    warmup_rounds: int
    warmup_stable: bool | None


@dataclass(frozen=True)
class Timing:
    """The measured times of one method.

    `compile_seconds` is what the first frames took, where compiling or capturing was asked for; `guard` what the card
    did meanwhile; `energy` the joules of a frame; `size` the frames' height and width. Each is None where it was not
    measured.
    """

    times: Mapping[Scope, Times]
    course: Course
    compile_seconds: float | None = None
    guard: Mapping[str, Any] | None = None
    energy: Mapping[str, Any] | None = None
    size: tuple[int, int] | None = None
