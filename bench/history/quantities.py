"""What a history holds of a method, and which change of a counter is a step."""

from __future__ import annotations

from collections.abc import Iterator

from bench.compare.counters import OPERATORS, PARAMETERS, Counter
from bench.gate.baseline import MACS, MIOU, PEAK_BYTES
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
        owner = (conditions.backbone, method)
        yield _counter(owner, "parameters", counters.parameters)
        yield _counter(owner, "mIoU", counters.miou, conditions.interval)
        for kind, frame in counters.kinds.items():
            yield _counter(owner, f"MACs of a {kind} frame", frame.macs)
            yield _counter(owner, f"peak bytes of tensors, {kind} frame", frame.peak_bytes)
            yield _counter(owner, f"operators of a {kind} frame", sum(frame.operators.values()))


def counters_of_cell(cell: CellRecord) -> Iterator[HistoryFigure]:
    """The counters of a run's cell; of a method at several intervals, most are the same in each."""
    owner = (cell.backbone, cell.method)
    if cell.accuracy is not None and cell.accuracy.miou is not None:
        yield _counter(owner, "mIoU", cell.accuracy.miou, cell.interval)
    if cell.cost is not None:
        yield _counter(owner, "parameters", cell.cost.parameters)
        yield _counter(owner, "MACs of a frame, mean", cell.cost.mean_macs, cell.interval)
        yield _counter(owner, "MACs of a key frame", cell.cost.key_macs)
        yield _counter(owner, "MACs of a non-key frame", cell.cost.non_key_macs)
    if cell.memory is not None and cell.memory.device_peak_bytes is not None:
        yield _counter(owner, "peak bytes on the device", cell.memory.device_peak_bytes)
    for kind, calls in (cell.operators or {}).items():
        yield _counter(owner, f"operators of a {kind} frame", sum(calls.values()))


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


def _counter(owner: tuple[str, str], quantity: str, value: float, interval: int | None = None) -> HistoryFigure:
    backbone, method = owner
    return HistoryFigure(backbone=backbone, method=method, interval=interval, quantity=quantity, value=value)
