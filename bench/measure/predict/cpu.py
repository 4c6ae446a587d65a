"""Predicted times on the CPU that is here: fitted to four networks, and judged by eight others.

Times are the thread's own CPU time, on one thread, and the least of several rounds over all networks: what other
programs do meanwhile is in neither, but for the caches and the clock that they share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

import torch

from bench.measure.predict.cpu_model import CpuModel, MeasuredFrame, fit_cpu
from bench.measure.predict.operations import Operation, TimedMethod, describe_frames
from bench.methods import build
from bench.methods.names import PER_FRAME
from mpvss.video import VideoSegmenter

Kind = Literal["key", "non-key"]
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
        return build(self.method, backbone=self.backbone, num_classes=self.classes)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of frame that differ."""
        return ("key",) if self.method == PER_FRAME else ("key", "non-key")


FITTED = (
    Network("mpvss", "micro", (192, 320), 12),
    Network(PER_FRAME, "r50", (256, 448), 19),
    Network(PER_FRAME, "segformer-b1", (256, 512), 19),
    Network("mpvss", "swin-t", (256, 448), 124),
)
HELD_OUT = (
    Network("optical-flow", "micro", (192, 320), 12),
    Network("mpvss", "nano", (128, 224), 12),
    Network("optical-flow", "r50", (256, 448), 19),
    Network("mpvss", "r50", (192, 320), 124),
    Network(PER_FRAME, "swin-s", (256, 448), 124),
    Network(PER_FRAME, "segformer-b0", (320, 576), 19),
    Network("dff", "micro", (256, 448), 12),
    Network(PER_FRAME, "upernet-r101", (192, 320), 19),
)
"""Chosen before any of their times was known."""


@dataclass
class Run:
    """What was measured of one kind of frame of a network."""

    network: Network
    kind: Kind
    whole: list[float] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    seconds: list[list[float]] = field(default_factory=list)

    def frame(self) -> MeasuredFrame:
        """The least of the rounds."""
        least = [min(times) for times in zip(*self.seconds, strict=True)]
        return MeasuredFrame(self.operations, least, min(self.whole))


@dataclass(frozen=True)
class PredictedFrame:
    """One kind of frame of a network: measured, and predicted."""

    network: Network
    kind: Kind
    fitted: bool
    samples: Sequence[float]
    """Seconds of each round."""
    predicted: float
    """Seconds."""

    @property
    def measured(self) -> float:
        """Seconds; the least of the samples."""
        return min(self.samples)

    @property
    def error(self) -> float:
        """Error of the prediction, as a share of the measured time."""
        return self.predicted / self.measured - 1


@dataclass(frozen=True)
class FittedCpu:
    """The model of the CPU, and what it makes of every network."""

    model: CpuModel
    frames: tuple[PredictedFrame, ...]

    def errors(self) -> tuple[float, float]:
        """Mean and largest error of the frames that were not fitted, as shares."""
        errors = [abs(frame.error) for frame in self.frames if not frame.fitted]
        return fmean(errors), max(errors)


def fit_this_cpu(
    fitted: Sequence[Network] = FITTED,
    held_out: Sequence[Network] = HELD_OUT,
    *,
    rounds: int = 4,
    tick: Callable[[str], object] = lambda text: None,
) -> FittedCpu:
    """Run all networks on one thread, fit to the first ones, and predict all."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        runs = _measure(fitted, held_out, rounds, tick)
    finally:
        torch.set_num_threads(threads)
    model = fit_cpu([run.frame() for run in runs if run.network in fitted])
    described = {network: describe_frames(network.build, network.size) for network in (*fitted, *held_out)}
    frames = (
        PredictedFrame(
            run.network,
            run.kind,
            run.network in fitted,
            run.whole,
            model.frame_seconds(described[run.network][run.kind == "non-key"]),
        )
        for run in runs
    )
    return FittedCpu(model, tuple(frames))


def _measure(
    fitted: Sequence[Network], held_out: Iterable[Network], rounds: int, tick: Callable[[str], object]
) -> list[Run]:
    networks = (*fitted, *held_out)
    methods = {network: TimedMethod(network.build(), network.size) for network in networks}
    runs = [Run(network, kind) for network in networks for kind in network.kinds]
    for index in range(rounds):
        tick(f"round {index + 1} of {rounds}")
        for run in runs:
            method = methods[run.network]
            step = method.key if run.kind == "key" else method.non_key
            run.whole += [method.seconds(step) for _ in range(2)]
            if run.network in fitted:
                run.operations, seconds = method.operations(step)
                run.seconds.append(seconds)
    return runs
