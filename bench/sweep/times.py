"""The times, the peak memory and the operators of one backbone's cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from bench.evaluate.lockstep import Cell
from bench.measure.count.operator_counts import Calls, count_operators
from bench.measure.memory import PeakMemory
from bench.measure.time.methods import Plan, TimedClip, method_memory, time_methods
from bench.measure.time.record import DEADLINES
from bench.measure.time.samples import Kind
from bench.methods.builder import Builder
from bench.sweep.cell import CellInProgress
from mpvss.video import lookahead_of


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
    """Fill in the timing, the memory and the operators of cells.

    First the memory and the operators of each method, built alone; then the times of all of them in turn. Deadlines
    are in seconds; `tick` is called after each timed pass.
    """
    started = perf_counter()
    alone: dict[str, tuple[PeakMemory, Mapping[Kind, Calls]]] = {}
    failed: dict[str, Exception] = {}
    for method in dict.fromkeys(cell.method for cell in found):
        try:
            alone[method] = _measure_alone(method, backbone, clip, plan, build)
        except Exception as error:
            failed[method] = error
    built = build(list(alone), backbone)
    propagating = {cell.method for cell in found if cell.interval > 1}
    timings, errors = time_methods(
        built.segmenters,
        clip,
        plan,
        only_keys=built.segmenters.keys() - propagating,
        started=started,
        tick=tick,
    )
    failed |= {**built.failed, **errors}
    for cell, findings in found.items():
        if cell.method in failed:
            findings.fail("timing", failed[cell.method])
            continue
        findings.weights = built.weights[cell.method]
        memory, calls = alone[cell.method]
        findings.take_memory(memory)
        findings.take_operators(calls, cell.interval)
        findings.take_timing(
            timings[cell.method],
            cell.interval,
            deadlines,
            lookahead=lookahead_of(built.segmenters[cell.method]),
            frame_rate=clip.frame_rate,
        )


def _measure_alone(
    method: str, backbone: str, clip: TimedClip, plan: Plan, build: Builder
) -> tuple[PeakMemory, Mapping[Kind, Calls]]:
    built = build([method], backbone)
    for error in built.failed.values():
        raise error
    segmenter = built.segmenters[method]
    memory = method_memory(segmenter, clip.frames, plan.mode)
    return memory, count_operators(segmenter, clip.frames, plan.mode)
