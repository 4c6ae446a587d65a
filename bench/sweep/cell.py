"""One cell of a sweep while it is being measured."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.measure.count.cost_of_method import Cost
from bench.measure.memory import PeakMemory
from bench.measure.time.record import timing_record
from bench.measure.time.samples import CLIP_LENGTH, Kind, Timing
from bench.runs.results import PARTS


@dataclass
class Findings:
    """What is known of one cell so far, and the parts of it that are still to be measured."""

    todo: set[str] = field(default_factory=lambda: set(PARTS))
    weights: str | None = None
    accuracy: dict[str, Any] | None = None
    clips: list[dict[str, Any]] | None = None
    cost: dict[str, Any] | None = None
    timing: dict[str, Any] | None = None
    memory: dict[str, Any] | None = None
    operators: Mapping[Kind, Mapping[str, int]] | None = None
    errors: dict[str, str] = field(default_factory=dict)
    tracebacks: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Findings:
        """The good parts of a cell that was written; those that failed are to be measured again."""
        kept = {name: record[name] for name in ("weights", "accuracy", "clips", "cost", "timing", "memory")}
        return cls(todo=set(record["errors"]), **kept, operators=record.get("operators"))

    def record(self) -> dict[str, Any]:
        """The cell as `bench.runs.results` stores it."""
        record = asdict(self)
        del record["todo"]
        return record

    def fail(self, part: str, error: Exception) -> None:
        """Note that a part could not be measured."""
        self.errors[part] = f"{type(error).__name__}: {error}"
        self.tracebacks[part] = "".join(traceback.format_exception(error))

    def take_cost(self, cost: Cost, interval: int, height: int, width: int) -> None:
        """Note the cost, on frames of that size."""
        self.cost = {
            "parameters": cost.parameters,
            "key_macs": cost.key_macs,
            "non_key_macs": cost.non_key_macs,
            "mean_macs": cost.mean_macs(interval, CLIP_LENGTH),
            "height": height,
            "width": width,
        }

    def take_timing(self, timing: Timing, interval: int, deadlines: Sequence[float]) -> None:
        """Note the times of the method, amortised at the interval; deadlines in seconds."""
        self.timing = timing_record(timing, interval, deadlines)

    def take_memory(self, memory: PeakMemory) -> None:
        """Note the peak memory of the method."""
        self.memory = {
            "host_peak_bytes": memory.host_peak,
            "host_before_bytes": memory.host_before,
            "host_peak_source": memory.source,
            "device_peak_bytes": memory.device_peak,
        }

    def take_operators(self, calls: Mapping[Kind, Mapping[str, int]], interval: int) -> None:
        """Note the operators that the frames execute that there are at the interval."""
        self.operators = {kind: calls[kind] for kind in calls if kind == "key" or interval > 1}
