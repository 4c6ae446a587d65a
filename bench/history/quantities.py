"""What a history holds of a method, and which change of a counter is a step."""

from __future__ import annotations

from collections.abc import Iterator

from bench.compare.counters import OPERATORS, PARAMETERS, Counter
from bench.gate.baseline import MACS, MIOU, PEAK_BYTES
from bench.runs.records.base import Kind, Operators
from bench.runs.records.baseline import Baseline
from bench.runs.records.cell import CellRecord
from bench.runs.records.history import HistoryFigure
from bench.runs.records.timing import CellTiming

DEVICE_MEMORY = Counter("device_peak_bytes", 0.02, -1)
"""The allocator rounds, and a library's work space differs between its versions."""
COUNTERS: dict[str, Counter] = {
    "parameters": PARAMETERS,
    "mIoU": MIOU,
    "MACs of a frame, mean": MACS,
    **{f"MACs of a {kind} frame": MACS for kind in ("key", "non-key")},
    **{f"operators of a {kind} frame": OPERATORS for kind in ("key", "non-key")},
    **{f"peak bytes of tensors, {kind} frame": PEAK_BYTES for kind in ("key", "non-key")},
    "peak bytes on the device": DEVICE_MEMORY,
}
"""Every counter by its name in a history. Its tolerance is the gate's; a smaller change is no step."""


def counters_of_gate(found: Baseline) -> Iterator[HistoryFigure]:
    """The counters in a file that `mpvss-bench gate` writes."""
    conditions = found.conditions
    for method, counters in found.methods.items():
        head = {"backbone": conditions.backbone, "method": method}
        yield HistoryFigure(**head, quantity="parameters", value=counters.parameters)
        yield HistoryFigure(**head, interval=conditions.interval, quantity="mIoU", value=counters.miou)
        for kind, frame in counters.kinds.items():
            yield HistoryFigure(**head, quantity=f"MACs of a {kind} frame", value=frame.macs)
            yield HistoryFigure(**head, quantity=f"peak bytes of tensors, {kind} frame", value=frame.peak_bytes)
            yield _operators(head, kind, frame.operators)


def counters_of_cell(cell: CellRecord) -> Iterator[HistoryFigure]:
    """The counters of a run's cell; of a method at several intervals, most are the same in each."""
    head = {"backbone": cell.backbone, "method": cell.method}
    at_interval = {**head, "interval": cell.interval}
    if cell.accuracy is not None and cell.accuracy.miou is not None:
        yield HistoryFigure(**at_interval, quantity="mIoU", value=cell.accuracy.miou)
    if cell.cost is not None:
        yield HistoryFigure(**head, quantity="parameters", value=cell.cost.parameters)
        yield HistoryFigure(**at_interval, quantity="MACs of a frame, mean", value=cell.cost.mean_macs)
        yield HistoryFigure(**head, quantity="MACs of a key frame", value=cell.cost.key_macs)
        yield HistoryFigure(**head, quantity="MACs of a non-key frame", value=cell.cost.non_key_macs)
    if cell.memory is not None and cell.memory.device_peak_bytes is not None:
        yield HistoryFigure(**head, quantity="peak bytes on the device", value=cell.memory.device_peak_bytes)
    for kind, calls in (cell.operators or {}).items():
        yield _operators(head, kind, calls)


def times_of(cell: CellRecord, timing: CellTiming) -> Iterator[HistoryFigure]:
    """The median time of each scope and kind of frame, where it has an interval."""
    for times in timing.kinds:
        if times.p50_low_ms is not None and times.p50_high_ms is not None:
            yield HistoryFigure(
                backbone=cell.backbone,
                method=cell.method,
                quantity=f"median of {times.kind} frames, {times.scope} (ms)",
                value=times.p50_ms,
                low=times.p50_low_ms,
                high=times.p50_high_ms,
            )


def _operators(head: dict[str, str], kind: Kind, calls: Operators) -> HistoryFigure:
    return HistoryFigure(**head, quantity=f"operators of a {kind} frame", value=sum(calls.values()))
