"""The time of a frame on a CPU, from its operations and the times of others' operations on the same CPU.

Of each operation, first a roofline: a launch, its arithmetic at one rate and its bytes at another. How far operations
of a kind are from that is a smooth function of what they compute and move, of their shape, and of what the operations
before them left of the caches: it is read off the measured ones by Gaussian process regression, so that an operation
is judged by those of its kind that are like it, and by the roofline and its class where there are none. Efficiency
saturates: an operation larger or smaller than all measured ones of its kind is as far from the roofline as the nearest
of those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from bench.measure.predict.operations import Operation
from mpvss.errors import UserError

EXPECTED = (3e-6, 50e9, 20e9)
"""Seconds of a launch, multiply-accumulates and bytes a second: where the fit of the roofline starts."""
KIND, CLASS, SHAPE = 0.7, 0.4, 1.0
"""Logarithms by which kinds of operation, classes of kinds, and operations of one kind are expected to differ."""
REACH = 2.5
"""How far apart, in logarithms, operations of one kind still resemble each other."""
NOISE = 0.1
"""The share by which a measured time is expected to be off."""
CACHES = 0.5
"""Weight of what was in the caches, against an operation's own size and shape."""


class Roofline(NamedTuple):
    """The three numbers that every operation is first judged by."""

    launch: float
    """Seconds."""
    macs_per_second: float
    bytes_per_second: float


@dataclass(frozen=True)
class CpuModel:
    """What is known of a CPU: measured operations, and what was fitted to them."""

    operations: Sequence[Operation]
    seconds: Sequence[float]
    roofline: Roofline

    def frame_seconds(self, operations: Sequence[Operation]) -> float:
        """The predicted time of a frame with these operations."""
        return float(self.each(operations).sum())

    def each(self, operations: Sequence[Operation]) -> np.ndarray:
        """The predicted times of operations, in seconds."""
        known = _Table(self.operations)
        residual = np.log(np.array(self.seconds) / known.at(self.roofline))
        weights = np.linalg.solve(_likeness(known, known) + NOISE**2 * np.eye(len(residual)), residual)
        different = list(dict.fromkeys(operations))
        table = _Table(different).within(known)
        times = dict(zip(different, table.at(self.roofline) * np.exp(_likeness(table, known) @ weights), strict=True))
        return np.array([times[operation] for operation in operations])


@dataclass(frozen=True)
class MeasuredFrame:
    """A frame that was run: its operations, and the seconds of each, which add up to the frame's."""

    operations: Sequence[Operation]
    seconds: Sequence[float]


def fit_cpu(frames: Sequence[MeasuredFrame]) -> CpuModel:
    """The model of the CPU that the frames were run on.

    Raises:
        UserError: there is no frame.
    """
    if not frames:
        raise UserError("no frame was measured to fit to; give one or more")
    times: dict[Operation, list[float]] = {}
    for frame in frames:
        for operation, seconds in zip(frame.operations, frame.seconds, strict=True):
            times.setdefault(operation, []).append(seconds)
    operations, seconds = list(times), [float(np.mean(same)) for same in times.values()]
    return CpuModel(operations, seconds, _fit_roofline(operations, seconds))


def _fit_roofline(operations: Sequence[Operation], seconds: Sequence[float]) -> Roofline:
    table, logs = _Table(operations), np.log(seconds)
    found = least_squares(lambda x: np.log(table.at(Roofline(*np.exp(x)))) - logs, np.log(EXPECTED), loss="soft_l1")
    return Roofline(*map(float, np.exp(found.x)))


class _Table:
    """Operations as columns."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.macs = np.array([x.macs for x in operations], dtype=float)
        self.bytes = np.array([x.bytes for x in operations], dtype=float)
        shapes = np.array([x.shape for x in operations])
        before = np.array([x.before for x in operations])
        self.places = np.column_stack(
            [np.log(self.macs + 1e3), np.log(self.bytes + 1e3), shapes, CACHES * before]
        )  # fmt: skip
        self.kinds = np.array([x.kind for x in operations])
        self.classes = np.array([_class_of(x.kind) for x in operations])

    def within(self, known: _Table) -> _Table:
        """The same, each place brought into the range of the known ones of its kind."""
        for kind in set(self.kinds) & set(known.kinds):
            of_kind, ours = known.places[known.kinds == kind], self.kinds == kind
            self.places[ours] = np.clip(self.places[ours], of_kind.min(0), of_kind.max(0))
        return self

    def at(self, roofline: Roofline) -> np.ndarray:
        """Seconds by the roofline alone."""
        return roofline.launch + self.macs / roofline.macs_per_second + self.bytes / roofline.bytes_per_second


def _likeness(some: _Table, others: _Table) -> np.ndarray:
    """The covariance of two sets of operations."""
    squares = ((some.places[:, None] - others.places) ** 2).sum(-1)
    same_kind = some.kinds[:, None] == others.kinds
    same_class = some.classes[:, None] == others.classes
    return CLASS**2 * same_class + same_kind * (KIND**2 + SHAPE**2 * np.exp(-squares / (2 * REACH**2)))


def _class_of(kind: str) -> str:
    if kind.startswith("convolution"):
        return "convolution"
    if "product" in kind or kind == "attention":
        return "product"
    return "view" if kind == "view" else "memory"
