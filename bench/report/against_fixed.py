"""A key-frame schedule against the fixed interval at equal mean cost, paired over clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.metrics.bootstrap import Interval
from bench.runs.clip_counts import ClipCounts, contrast
from bench.runs.records.schedules import FIXED, ScheduleCell

Verdict = str
BEATS, WORSE, EVEN, UNKNOWN = "better", "worse", "not significant", "no equal cost"


@dataclass(frozen=True)
class AgainstFixed:
    """MIoU of the fixed interval at a cell's cost, 0..1, and the cell's less that; None where it has no equal."""

    fixed: float | None
    difference: Interval | None

    @property
    def verdict(self) -> Verdict:
        """What the 95 % interval says."""
        if self.difference is None:
            return UNKNOWN
        return BEATS if self.difference.low > 0 else WORSE if self.difference.high < 0 else EVEN


def fixed_curve(cells: Sequence[ScheduleCell]) -> list[ScheduleCell]:
    """The fixed intervals by rising cost; of those that cost the same, which have as many key frames, the shortest."""
    by_cost: dict[float, ScheduleCell] = {}
    for cell in sorted((cell for cell in cells if cell.schedule == FIXED), key=lambda cell: cell.interval):
        by_cost.setdefault(cell.mean_macs, cell)
    return sorted(by_cost.values(), key=lambda cell: cell.mean_macs)


def against_fixed(cell: ScheduleCell, cells: Sequence[ScheduleCell], num_classes: int) -> AgainstFixed:
    """A cell beside the fixed intervals of the same method among `cells`.

    Between two fixed intervals their mIoU is interpolated linearly by cost, and the difference is bootstrapped over the
    clips of all three together, at these costs. A schedule that costs more than interval 1 is held against interval 1.
    """
    curve = fixed_curve([other for other in cells if (other.backbone, other.method) == (cell.backbone, cell.method)])
    above = next((i for i, fixed in enumerate(curve) if fixed.mean_macs >= cell.mean_macs), len(curve) - 1)
    if not curve or cell.mean_macs < curve[0].mean_macs:
        return AgainstFixed(None, None)
    dear, cheap = curve[above], curve[max(above - 1, 0)]
    span = dear.mean_macs - cheap.mean_macs
    share = min(1.0, (cell.mean_macs - cheap.mean_macs) / span) if span else 1.0
    weights = [(1.0, cell), (-share, dear), (share - 1, cheap)]
    terms = [(weight, ClipCounts.from_record(of.clips, num_classes)) for weight, of in weights if weight]
    mious = [dear.accuracy.miou, cheap.accuracy.miou]
    fixed = None if None in mious else share * mious[0] + (1 - share) * mious[1]  # type: ignore[operator]
    return AgainstFixed(fixed, contrast(terms))
