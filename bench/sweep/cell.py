"""One cell of a sweep while it is being measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from msgspec import structs

from bench.evaluate.scores import Score
from bench.measure.count.cost_of_method import Cost
from bench.measure.memory import PeakMemory
from bench.measure.time.record import timing_record
from bench.measure.time.samples import Kind, Timing
from bench.runs.clip_counts import ClipCounts
from bench.runs.records.cell import (
    PARTS,
    Accuracy,
    CellCost,
    CellKey,
    CellMemory,
    CellPart,
    CellRecord,
    ClipPixels,
)
from bench.runs.records.timing import CellTiming
from bench.sweep.failure import Failure


@dataclass
class CellInProgress:
    """What is known of one cell so far, and the parts of it that are still to be measured."""

    todo: set[CellPart] = field(default_factory=lambda: set(PARTS))
    weights: str | None = None
    accuracy: Accuracy | None = None
    clips: list[ClipPixels] | None = None
    cost: CellCost | None = None
    timing: CellTiming | None = None
    memory: CellMemory | None = None
    operators: dict[Kind, dict[str, int]] | None = None
    errors: dict[CellPart, str] = field(default_factory=dict)
    tracebacks: dict[CellPart, str] = field(default_factory=dict)

    @classmethod
    def from_record(cls, record: CellRecord, wanted: Collection[CellPart] = PARTS) -> CellInProgress:
        """The parts of a cell that was written; what failed or is not there, of the wanted parts, is still to do."""
        there = {"accuracy": record.accuracy or record.clips, "cost": record.cost, "timing": record.timing}
        todo: set[CellPart] = {part for part in wanted if part in record.errors or there[part] is None}
        return cls(
            todo=todo,
            weights=record.weights,
            accuracy=record.accuracy,
            clips=record.clips,
            cost=record.cost,
            timing=record.timing,
            memory=record.memory,
            operators=record.operators,
            errors={part: text for part, text in record.errors.items() if part not in todo},
            tracebacks={part: text for part, text in record.tracebacks.items() if part not in todo},
        )

    @property
    def failed_now(self) -> dict[CellPart, str]:
        """The errors of the parts that were to do."""
        return {part: text for part, text in self.errors.items() if part in self.todo}

    def record(self, key: CellKey) -> CellRecord:
        """The cell as its file keeps it."""
        return CellRecord(
            backbone=key.backbone,
            method=key.method,
            interval=key.interval,
            weights=self.weights,
            errors=self.errors,
            tracebacks=self.tracebacks,
            accuracy=self.accuracy,
            clips=self.clips,
            cost=self.cost,
            timing=self.timing,
            memory=self.memory,
            operators=self.operators,
        )

    def fail(self, part: CellPart, error: Exception | Failure) -> None:
        """Note that a part could not be measured."""
        failure = error if isinstance(error, Failure) else Failure.of(error)
        self.errors[part] = failure.text
        self.tracebacks[part] = failure.traceback

    def take_accuracy(self, score: Score, counts: ClipCounts) -> None:
        """Note the accuracy over all clips, and the pixels clip by clip."""
        measures = score.measures()
        self.accuracy = None if measures is None else Accuracy(**measures)
        self.clips = counts.record()

    def take_cost(self, cost: Cost, interval: int, height: int, width: int, clip_lengths: Sequence[int] | None) -> None:
        """Note the cost, on frames of that size.

        The mean is over clips of these lengths. None: single frames are scored, each at every distance from a key
        frame, and the mean is that of a video without end.
        """
        long_run = cost.long_run_macs(interval)
        self.cost = CellCost(
            parameters=cost.parameters,
            key_macs=cost.key_macs,
            non_key_macs=cost.non_key_macs,
            mean_macs=long_run if clip_lengths is None else cost.mean_over(interval, clip_lengths),
            long_run_macs=long_run,
            most_non_key_macs=cost.most_non_key_macs,
            not_counted=list(cost.not_counted),
            height=height,
            width=width,
        )

    def take_timing(
        self,
        timing: Timing,
        interval: int,
        deadlines: Sequence[float],
        *,
        lookahead: int = 0,
        frame_rate: Fraction | None = None,
    ) -> None:
        """Note the times of the method, amortised at the interval; deadlines in seconds.

        A method that looks ahead by some frames waits for them besides, at the data's frame rate.
        """
        self.timing = timing_record(timing, interval, deadlines)
        if lookahead:
            wait = None if frame_rate is None else float(1000 * lookahead / frame_rate)
            self.timing = structs.replace(self.timing, wait_frames=lookahead, wait_ms=wait)

    def take_memory(self, memory: PeakMemory) -> None:
        """Note the peak memory of the method."""
        self.memory = CellMemory(
            host_peak_bytes=memory.host_peak,
            host_before_bytes=memory.host_before,
            host_peak_source=memory.source,
            device_peak_bytes=memory.device_peak,
        )

    def take_operators(self, calls: Mapping[Kind, Mapping[str, int]], interval: int) -> None:
        """Note the operators that the frames execute that there are at the interval."""
        self.operators = {kind: dict(calls[kind]) for kind in calls if kind == "key" or interval > 1}
