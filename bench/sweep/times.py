"""The times, the peak memory and the operators of one backbone's cells."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from time import perf_counter

from bench.evaluate.lockstep import Cell
from bench.measure.count.operator_counts import Calls, count_operators
from bench.measure.memory import PeakMemory
from bench.measure.time.methods import Plan, TimedClip, method_memory, time_methods
from bench.measure.time.record import DEADLINES
from bench.measure.time.samples import Kind, Timing
from bench.methods.builder import Builder
from bench.sweep.cell import CellInProgress
from bench.sweep.failure import Failure
from mpvss.video import lookahead_of


@dataclass(frozen=True)
class Alone:
    """What is measured of a method built alone: its peak memory, and the operators of each kind of frame."""

    memory: PeakMemory
    calls: Mapping[Kind, Calls]


@dataclass(frozen=True)
class Measured:
    """What one process measured of a backbone's methods; `alone` is empty where it was not asked for."""

    timings: Mapping[str, Timing]
    alone: Mapping[str, Alone]
    weights: Mapping[str, str]
    failed: Mapping[str, Failure]
    lookahead: Mapping[str, int]
    """How many frames each method looks ahead."""


def measure_times(
    found: Mapping[Cell, CellInProgress],
    backbone: str,
    clip: TimedClip,
    plan: Plan,
    build: Builder,
    *,
    deadlines: Sequence[float] = DEADLINES,
    tick: Callable[[], object] = lambda: None,
) -> None:
    """Fill in the timing, the memory and the operators of cells, measured in this process.

    Deadlines are in seconds; `tick` is called after each timed pass.
    """
    measured = measure_methods(propagating(found), backbone, clip, plan, build, tick=tick)
    fill_in(found, measured, deadlines, clip.frame_rate)


def propagating(cells: Collection[Cell]) -> dict[str, bool]:
    """The methods of cells, and whether each has non-key frames in any of them."""
    methods = dict.fromkeys((cell.method for cell in cells), False)
    return methods | {cell.method: True for cell in cells if cell.interval > 1}


def measure_methods(
    methods: Mapping[str, bool],
    backbone: str,
    clip: TimedClip,
    plan: Plan,
    build: Builder,
    *,
    alone: bool = True,
    started: float | None = None,
    tick: Callable[[], object] = lambda: None,
) -> Measured:
    """First the memory and the operators of each method, built alone; then the times of all of them in turn.

    Args:
        methods: each with whether it has non-key frames.
        backbone: of all of them.
        clip: what is run.
        plan: how times are taken.
        build: makes methods of a backbone.
        alone: whether memory and operators are measured.
        started: when a time limit began, by `perf_counter`; None: now.
        tick: called after each timed pass.

    """
    started = perf_counter() if started is None else started
    of_method: dict[str, Alone] = {}
    failed: dict[str, Exception] = {}
    for method in methods if alone else ():
        try:
            of_method[method] = _measure_alone(method, backbone, clip, plan, build)
        except Exception as error:
            failed[method] = error
    built = build([method for method in methods if method not in failed], backbone)
    only_keys = [method for method in built.segmenters if not methods[method]]
    timings, errors = time_methods(built.segmenters, clip, plan, only_keys=only_keys, started=started, tick=tick)
    failures = {method: Failure.of(error) for method, error in {**failed, **built.failed, **errors}.items()}
    lookahead = {method: lookahead_of(segmenter) for method, segmenter in built.segmenters.items()}
    return Measured(timings, of_method, built.weights, failures, lookahead)


def fill_in(
    found: Mapping[Cell, CellInProgress],
    measured: Measured,
    deadlines: Sequence[float],
    frame_rate: Fraction | None = None,
) -> None:
    """Fill what was measured into cells; deadlines are in seconds, the camera's rate in frames a second."""
    for cell, findings in found.items():
        failure = measured.failed.get(cell.method)
        if failure is not None:
            findings.fail("timing", failure)
            continue
        findings.weights = measured.weights[cell.method]
        alone = measured.alone[cell.method]
        findings.take_memory(alone.memory)
        findings.take_operators(alone.calls, cell.interval)
        findings.take_timing(
            measured.timings[cell.method],
            cell.interval,
            deadlines,
            lookahead=measured.lookahead[cell.method],
            frame_rate=frame_rate,
        )


def _measure_alone(method: str, backbone: str, clip: TimedClip, plan: Plan, build: Builder) -> Alone:
    built = build([method], backbone)
    for error in built.failed.values():
        raise error
    segmenter = built.segmenters[method]
    memory = method_memory(segmenter, clip.frames, plan.mode)
    return Alone(memory, count_operators(segmenter, clip.frames, plan.mode))
