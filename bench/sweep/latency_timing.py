"""Timing the cells of a latency run, backbone by backbone, and saving them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.evaluate.lockstep import Cell
from bench.measure.time.methods import Plan, TimedClip
from bench.methods.builder import Builder
from bench.runs.progress import Progress
from bench.runs.records.cell import CellKey
from bench.runs.write import Run
from bench.sweep.cell import CellInProgress
from bench.sweep.grid import Grid
from bench.sweep.messages import Request
from bench.sweep.remarks import remarks_of
from bench.sweep.replicates import measure_in_processes
from bench.sweep.times import Measured, fill_in, measure_methods, propagating


@dataclass(frozen=True)
class LatencyTiming:
    """What the backbones of one latency run have in common."""

    grid: Grid
    clip: TimedClip
    plan: Plan
    deadlines: Sequence[float]
    run: Run
    build: Builder
    progress: Progress
    request: Request
    processes: int

    def run_backbone(self, backbone: str) -> list[CellKey]:
        """Time the cells of a backbone that are missing or failed; those that failed now."""
        found = self._todo(backbone)
        if not found:
            self.progress.say(f"{backbone}: all cells are there")
            return []
        with self.progress.stage(f"{backbone}: time", None, "passes") as stage:
            measured = self._measure(backbone, propagating(found), stage.advance)
            fill_in(found, measured, self.deadlines, self.clip.frame_rate)
        failed = []
        for cell, findings in found.items():
            key = CellKey(backbone, cell.method, cell.interval)
            self.run.save(findings.record(key))
            if findings.errors:
                failed.append(key)
                self.progress.say(f"{backbone}: {cell.method} failed: {findings.errors['timing']}")
        timings = [findings.timing for findings in found.values() if findings.timing is not None]
        for text in remarks_of(timings[0], self.plan.rule, self.processes) if timings else ():
            self.progress.say(f"{backbone}: {text}")
        return failed

    def _measure(self, backbone: str, methods: dict[str, bool], tick: Callable[[], object]) -> Measured:
        if self.processes == 1:
            return measure_methods(methods, backbone, self.clip, self.plan, self.build, tick=tick)
        return measure_in_processes(self.request, backbone, methods, self.plan.rule, self.processes, tick)

    def _todo(self, backbone: str) -> dict[Cell, CellInProgress]:
        found = {}
        for cell in self.grid.cells(backbone):
            record = self.run.load(CellKey(backbone, cell.method, cell.interval))
            if record is None or record.errors:
                found[cell] = CellInProgress(todo={"timing"})
        return found
