"""Predicted times on the CPU that is here: fitted to four networks, and judged by others.

Times are the thread's own CPU time, on one thread, and the lower quartile of several rounds over all networks: what
other programs do meanwhile is not in them, but for the caches and the clock that they share.

A stop watch around each operation slows a frame of small ones. So it only divides the time of a stage, which is taken
while nobody stops to time operations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

import numpy as np
import torch

from bench.measure.predict.cpu_model import CpuModel, MeasuredFrame, fit_cpu
from bench.measure.predict.operations import Frames, TimedMethod, TimedOperations, describe_frames
from bench.methods import build
from bench.methods.names import PER_FRAME, branches
from mpvss.video import VideoSegmenter

Kind = Literal["key", "non-key"]
Role = Literal["fitted", "seen", "held out"]
"""What the networks are for, see `ROLES`."""
ROUNDS, ROUND, MOST_REPEATS = 3, 0.2, 10
"""Rounds, seconds that one spends on one kind of frame of a network, and the most times that it runs it."""
STOP_WATCH, LEAST_SECONDS = 1e-6, 2e-7
"""What timing an operation adds to it, and the least that may be left."""
BOUND = 0.15
"""The largest error that is wanted of a frame of the networks that were not fitted."""


@dataclass(frozen=True)
class Network:
    """A method to run, at a frame size (height, width)."""

    method: str
    backbone: str
    size: tuple[int, int]
    classes: int

    def build(self) -> VideoSegmenter:
        """The method with random weights."""
        of_frame, of_key = branches(self.method, self.backbone)
        return build(self.method, backbone=of_frame, key_backbone=of_key, num_classes=self.classes)

    def __str__(self) -> str:
        """In words."""
        height, width = self.size
        return f"{self.method}, {self.backbone}, {height}x{width}, {self.classes} classes"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of frame that differ."""
        return ("key",) if self.method == PER_FRAME else ("key", "non-key")


FITTED = (
    Network("mpvss", "micro", (192, 320), 12),
    Network("optical-flow", "r50", (256, 448), 19),
    Network(PER_FRAME, "segformer-b1", (256, 512), 19),
    Network("mpvss", "swin-t", (256, 448), 124),
)
SEEN = (
    Network("optical-flow", "micro", (192, 320), 12),
    Network("mpvss", "nano", (128, 224), 12),
    Network(PER_FRAME, "r50", (256, 448), 19),
    Network("mpvss", "r50", (192, 320), 124),
    Network(PER_FRAME, "swin-s", (256, 448), 124),
    Network(PER_FRAME, "segformer-b0", (320, 576), 19),
    Network("dff", "micro", (256, 448), 12),
    Network(PER_FRAME, "upernet-r101", (192, 320), 19),
)
"""Not fitted, but seen: their errors were looked at while the model was made."""
HELD_OUT = (
    Network("optical-flow", "nano", (160, 288), 12),
    Network("mpvss", "micro", (256, 448), 19),
    Network("mpvss", "swin-s", (192, 320), 19),
    Network("dff", "r50", (192, 320), 19),
    Network(PER_FRAME, "swin-b", (192, 320), 124),
    Network(PER_FRAME, "segformer-b2", (192, 320), 124),
    Network(PER_FRAME, "ocrnet-r101", (128, 224), 19),
    Network("accel", "nano", (192, 320), 12),
)
"""Chosen before any of their times was known. How times are taken was changed after their first errors, by what the
others said: each fitted network predicted from the other three, and those that were seen."""
ROLES: Mapping[Role, Sequence[Network]] = {"fitted": FITTED, "seen": SEEN, "held out": HELD_OUT}


@dataclass
class Run:
    """What was measured of one kind of frame of a network."""

    network: Network
    kind: Kind
    role: Role
    whole: list[float] = field(default_factory=list)
    stages: list[dict[str, float]] = field(default_factory=list)
    operations: list[TimedOperations] = field(default_factory=list)

    def frame(self) -> MeasuredFrame:
        """The operations, with their usual shares of the time of their stages."""
        operations, stages, _ = self.operations[0]
        seconds = np.median([x.seconds for x in self.operations], axis=0) - STOP_WATCH
        seconds = np.maximum(seconds, LEAST_SECONDS)
        for stage in set(stages):
            inside = np.array(stages) == stage
            seconds[inside] *= usual([x[stage] for x in self.stages]) / seconds[inside].sum()
        return MeasuredFrame(operations, seconds.tolist())


def usual(times: Sequence[float]) -> float:
    """The lower quartile: the least is of a lucky moment, and the upper ones have others' work in them."""
    return float(np.quantile(times, 0.25))


@dataclass(frozen=True)
class PredictedFrame:
    """One kind of frame of a network: measured, and predicted."""

    network: Network
    kind: Kind
    role: Role
    samples: Sequence[float]
    """Seconds of each round."""
    predicted: float
    """Seconds."""

    @property
    def measured(self) -> float:
        """Seconds; the usual one of the samples."""
        return usual(self.samples)

    @property
    def error(self) -> float:
        """Error of the prediction, as a share of the measured time."""
        return self.predicted / self.measured - 1


@dataclass(frozen=True)
class FittedCpu:
    """The model of the CPU, and what it makes of every network."""

    model: CpuModel
    frames: tuple[PredictedFrame, ...]

    def errors(self, role: Role = "held out") -> tuple[float, float]:
        """Mean and largest error of the frames of the networks of a role, as shares."""
        errors = [abs(frame.error) for frame in self.frames if frame.role == role]
        return fmean(errors), max(errors)


def fit_this_cpu(
    roles: Mapping[Role, Sequence[Network]] = ROLES,
    *,
    rounds: int = ROUNDS,
    tick: Callable[[str], object] = lambda text: None,
) -> FittedCpu:
    """Run the networks of every role on one thread, fit to those of the first, and predict all."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        runs = _measure(roles, rounds, tick)
    finally:
        torch.set_num_threads(threads)
    model = fit_cpu([run.frame() for run in runs if run.role == "fitted"])
    described: dict[Network, Frames] = {}
    frames = []
    for run in runs:
        if run.network not in described:
            tick(f"predicting {run.network}")
            described[run.network] = describe_frames(run.network.build, run.network.size)
        predicted = model.frame_seconds(described[run.network][run.kind == "non-key"])
        frames.append(PredictedFrame(run.network, run.kind, run.role, run.whole, predicted))
    return FittedCpu(model, tuple(frames))


def _measure(roles: Mapping[Role, Sequence[Network]], rounds: int, tick: Callable[[str], object]) -> list[Run]:
    runs = [Run(n, kind, role) for role, networks in roles.items() for n in networks for kind in n.kinds]
    methods: dict[Network, TimedMethod] = {}
    for network in dict.fromkeys(run.network for run in runs):
        tick(f"building {network}")
        methods[network] = TimedMethod(network.build(), network.size)
    for index in range(rounds):
        tick(f"round {index + 1} of {rounds}")
        for run in runs:
            method = methods[run.network]
            step = method.key if run.kind == "key" else method.non_key
            run.whole.append(method.seconds(step))
            for _ in range(_repeats(run.whole[-1])):
                run.whole.append(method.seconds(step))
                if run.role == "fitted":
                    run.stages.append(method.stages(step))
                    run.operations.append(method.operations(step))
    return runs


def _repeats(seconds: float) -> int:
    """How often a frame of this time is run in a round: short ones, which others disturb more, more often."""
    return min(max(round(ROUND / seconds), 1), MOST_REPEATS)
