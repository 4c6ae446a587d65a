"""A schedule played over a clip's table: its key frames, what it computed, and what that costs. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.adaptive.rules import Schedule
from bench.adaptive.table import ClipTable
from mpvss.errors import UserError


@dataclass(frozen=True)
class SignalCost:
    """What a signal costs in multiply-accumulates.

    Attributes:
        each: of asking once.
        at_key: at each key frame, for later comparison.
        needs_prediction: whether it looks at the propagated prediction, which is then computed even for a frame that
            becomes a key frame.
        by_flow: whether it is the flow that the method propagates by, which is not computed twice.

    """

    each: int = 0
    at_key: int = 0
    needs_prediction: bool = False
    by_flow: bool = False


@dataclass(frozen=True)
class MethodCost:
    """Multiply-accumulates of a key frame and of a non-key frame, and of asking each signal."""

    key_macs: float
    non_key_macs: float
    signals: Mapping[str, SignalCost] = field(default_factory=dict)


@dataclass(frozen=True)
class Played:
    """What a schedule did in a clip.

    Attributes:
        keys: int64 (T,): the key frame of each frame.
        counts: int64 (C, 3): as `ClipTable.counts`.
        macs: of the clip, with what the schedule computed.
        schedule_macs: what the schedule computed, of these: its signals, and propagations that were not shown.

    """

    keys: np.ndarray
    counts: np.ndarray
    macs: float
    schedule_macs: float

    @property
    def key_frames(self) -> int:
        """How many there are."""
        return len(set(self.keys.tolist()))


class _TableOffer:
    """What a schedule is offered, and a ledger of what it asked for."""

    def __init__(self, table: ClipTable, gains: np.ndarray | None) -> None:
        self.index = self.key = 0
        self.frames = table.frames
        self.asked: set[tuple[str, int, int]] = set()
        self._table = table
        self._gains = gains

    def score(self, signal: str, index: int) -> float:
        if signal not in self._table.signals:
            raise UserError(f"there is no signal {signal!r}; there are {', '.join(self._table.signals)}")
        self.asked.add((signal, self.key, index))
        value = float(self._table.signals[signal][self.key, index])
        return value if np.isfinite(value) else float("-inf")  # so far ahead that another key frame comes before

    def gain(self, key: int, index: int) -> float:
        assert self._gains is not None, "the oracle is played with gains"
        return float(self._gains[key, index])


def play(
    schedule: Schedule, table: ClipTable, cost: MethodCost, longest: int, gains: np.ndarray | None = None
) -> Played:
    """Play a schedule over a clip.

    Args:
        schedule: is asked at every frame but the first, and but where a key frame is forced.
        table: of the clip.
        cost: of the method.
        longest: frames from a key frame to the next, at most.
        gains: (T, T), for `Offer.gain`.
    """
    offer = _TableOffer(table, gains)
    keys, state = [0], None
    for index in range(1, table.frames):
        offer.index, offer.key = index, keys[-1]
        wanted, state = schedule.decide(offer, state)
        keys.append(index if wanted or index - keys[-1] >= longest else keys[-1])
    found = np.array(keys)
    total, by_schedule = _macs(found, offer.asked, cost)
    return Played(found, table.counts(found), total, by_schedule)


def _macs(keys: np.ndarray, asked: set[tuple[str, int, int]], cost: MethodCost) -> tuple[float, float]:
    """The multiply-accumulates of a clip, and how many of them are the schedule's."""
    shown = {(int(key), index) for index, key in enumerate(keys) if key != index}
    key_frames = len(keys) - len(shown)
    run, signals = set(shown), 0.0
    for signal, key, index in asked:
        if cost.signals.get(signal, SignalCost()).needs_prediction:
            run.add((key, index))
    for signal, key, index in asked:
        of = cost.signals.get(signal, SignalCost())
        signals += 0 if of.by_flow and (key, index) in run else of.each
    signals += sum(
        key_frames * cost.signals[name].at_key for name in {name for name, *_ in asked} & cost.signals.keys()
    )
    by_schedule = signals + (len(run) - len(shown)) * cost.non_key_macs
    return key_frames * cost.key_macs + len(shown) * cost.non_key_macs + by_schedule, by_schedule


def gains_of(tables: Sequence[ClipTable], interval: int, longest: int) -> list[np.ndarray]:
    """What each entry of each table adds to the pooled mIoU, (T, T): to first order about that of a fixed interval.

    The IoU of a class is hits / (truth + predicted - hits); its derivatives by hits and by predicted weigh the counts.
    """
    frames = [np.arange(table.frames) for table in tables]
    pooled = sum(table.counts(of - of % min(interval, longest)) for table, of in zip(tables, frames, strict=True))
    hits, truth, predicted = np.asarray(pooled, np.float64).T
    union = np.maximum(truth + predicted - hits, 1)
    there = truth > 0
    by_hits, by_predicted = (1 / union + hits / union**2) * there, hits / union**2 * there
    return [(table.hits @ by_hits - table.predicted @ by_predicted) / max(there.sum(), 1) for table in tables]


def calibrated(candidates: Sequence[float] | np.ndarray, key_frames: Callable[[float], int], wanted: float) -> float:
    """The candidate at which the number of key frames is nearest to the wanted one.

    Args:
        candidates: ascending; the higher, the fewer key frames.
        key_frames: how many there are at a candidate.
        wanted: how many are wanted.
    """
    low, high = 0, len(candidates) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if key_frames(candidates[middle]) >= wanted else (low, middle)
    return float(min((candidates[low], candidates[high]), key=lambda level: abs(key_frames(level) - wanted)))
