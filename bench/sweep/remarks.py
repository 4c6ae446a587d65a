"""What a reader must know of how times were sampled, in words."""

from __future__ import annotations

from msgspec import structs

from bench.measure.time.guard import warnings_of
from bench.measure.time.stopping import Rule
from bench.runs.records.timing import CellTiming


def remarks_of(timing: CellTiming, rule: Rule, processes: int) -> list[str]:
    """How the sampling of a group of methods went, and what a reader must know of it."""
    before = timing.before_seconds or 0.0
    taken = f"{_rounds(timing.rounds)} in {timing.seconds:.1f} s after {before:.1f} s of building and warm-up"
    remarks = [f"{taken}, ended by {timing.stopped}"]
    if rule.out_of_time(before):
        remarks.append(
            "building and warm-up alone passed the time limit, so one round was timed"
            + (" by each process" if processes > 1 else "")
        )
    if timing.stopped == "time limit":
        remarks.append("not every median is as precise as was asked for; see its 95 % interval")
    if timing.stopped == "processes":
        remarks.append("the processes differ by more than the precision asked for; see each median's 95 % interval")
    if timing.warmup_stable is False:
        remarks.append(f"times had not settled after {_rounds(timing.warmup_rounds)} of warm-up")
    return remarks + (warnings_of(structs.asdict(timing.guard)) if timing.guard is not None else [])


def _rounds(count: int | None) -> str:
    return f"{count} {'round' if count == 1 else 'rounds'}"
