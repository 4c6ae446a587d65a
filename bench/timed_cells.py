"""The times and the peak memory of one backbone's cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.findings import Findings
from bench.lockstep import Cell
from bench.measure.latency import Plan, TimedClip, method_memory, time_methods
from bench.measure.latency_record import DEADLINES
from bench.measure.memory import PeakMemory
from bench.runner import Builder


def measure_times(
    found: Mapping[Cell, Findings],
    backbone: str,
    clip: TimedClip,
    plan: Plan,
    build: Builder,
    *,
    deadlines: Sequence[float] = DEADLINES,
    tick: Callable[[], object] = lambda: None,
) -> None:
    """Fill in the timing and the memory of cells.

    First the memory of each method, built alone; then the times of all of them in turn. Deadlines are in seconds;
    `tick` is called after each timed pass.
    """
    memory: dict[str, PeakMemory] = {}
    failed: dict[str, Exception] = {}
    for method in dict.fromkeys(cell.method for cell in found):
        try:
            memory[method] = _memory_alone(method, backbone, clip, plan, build)
        except Exception as error:
            failed[method] = error
    built = build(list(memory), backbone)
    propagating = {cell.method for cell in found if cell.interval > 1}
    timings, errors = time_methods(
        built.segmenters, clip, plan, only_keys=built.segmenters.keys() - propagating, tick=tick
    )
    failed |= {**built.failed, **errors}
    for cell, findings in found.items():
        if cell.method in failed:
            findings.fail("timing", failed[cell.method])
            continue
        findings.weights = built.weights[cell.method]
        findings.take_memory(memory[cell.method])
        findings.take_timing(timings[cell.method], cell.interval, deadlines)


def _memory_alone(method: str, backbone: str, clip: TimedClip, plan: Plan, build: Builder) -> PeakMemory:
    built = build([method], backbone)
    for error in built.failed.values():
        raise error
    return method_memory(built.segmenters[method], clip.frames, plan.mode)
