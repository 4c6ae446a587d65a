"""The `timing` of a cell: what follows from the samples, and every sample."""

from __future__ import annotations

import math
from typing import Annotated

from msgspec import Meta

from bench.runs.records.base import Count, Kind, Name, Part, Positive, Quantity, Scope, Share, same_length

Late = dict[str, Share | None]
"""The share of frames that take longer than each deadline; the key is the deadline in ms."""


class KindTimes(Part, kw_only=True, frozen=True):
    """The times of one kind of frame in one scope."""

    scope: Annotated[Scope, Meta(description="where a time starts and ends")]
    kind: Annotated[Kind, Meta(description="kind of frame")]
    samples: Annotated[Count, Meta(description="how many frames were timed")]
    mean_ms: Annotated[Quantity, Meta(description="their mean, in ms")]
    p50_ms: Annotated[Quantity, Meta(description="their median, in ms")]
    p50_low_ms: Annotated[Quantity | None, Meta(description="lower end of the median's 95 % interval, in ms")] = None
    p50_high_ms: Annotated[Quantity | None, Meta(description="upper end of the median's 95 % interval, in ms")] = None
    p90_ms: Annotated[Quantity | None, Meta(description="90 % quantile in ms; needs 36 samples")] = None
    p90_low_ms: Annotated[Quantity | None, Meta(description="lower end of its 95 % interval, in ms")] = None
    p90_high_ms: Annotated[Quantity | None, Meta(description="upper end of its 95 % interval, in ms")] = None
    p99_ms: Annotated[Quantity | None, Meta(description="99 % quantile in ms; needs 368 samples")] = None
    p99_low_ms: Annotated[Quantity | None, Meta(description="lower end of its 95 % interval, in ms")] = None
    p99_high_ms: Annotated[Quantity | None, Meta(description="upper end of its 95 % interval, in ms")] = None
    late: Annotated[Late, Meta(description="share of frames over each deadline; the key is the deadline in ms")] = {}

    def __post_init__(self) -> None:
        _check_deadlines(self.late)


class SampleColumns(Part, kw_only=True, frozen=True):
    """Samples of one scope, a list for each field."""

    round: Annotated[list[Count], Meta(description="round, from 0; warm-up rounds count on their own")]
    frame: Annotated[list[Count], Meta(description="index of the frame in the clip")]
    key: Annotated[list[bool], Meta(description="whether it was a key frame")]
    seconds: Annotated[list[Quantity], Meta(description="its time in seconds")]
    place: Annotated[list[Count] | None, Meta(description="place of the method's pass in the round's order")] = None
    other_clock: Annotated[
        list[Quantity | None] | None, Meta(description="seconds by the other clock of a CUDA device")
    ] = None
    throttled: Annotated[list[bool | None] | None, Meta(description="whether the card slowed itself down")] = None
    process: Annotated[
        list[Count] | None, Meta(description="process that took it, from 0; null where one took all")
    ] = None

    def __post_init__(self) -> None:
        same_length(**{name: getattr(self, name) for name in self.__struct_fields__})


class CardReading(Part, kw_only=True, frozen=True):
    """The card at one moment."""

    sm_clock_mhz: Annotated[Count, Meta(description="clock of the multiprocessors, in MHz")]
    memory_clock_mhz: Annotated[Count, Meta(description="clock of the memory, in MHz")]
    temperature_c: Annotated[int, Meta(description="degrees Celsius")]
    power_w: Annotated[Quantity, Meta(description="watts")]
    throttle_reasons: Annotated[list[str], Meta(description="why it is slowed down")]
    other_processes: Annotated[Count, Meta(description="other processes on it")]


class CardSummary(Part, kw_only=True, frozen=True):
    """The card over all passes, warm-up included."""

    sm_clock_mhz: Annotated[list[Count], Meta(min_length=2, max_length=2, description="least and most, in MHz")]
    temperature_c: Annotated[int, Meta(description="most, in degrees Celsius")]
    power_w: Annotated[Quantity, Meta(description="most, in watts")]
    other_processes: Annotated[Count, Meta(description="most other processes on the card")]
    throttle_reasons: Annotated[list[str], Meta(description="why it was slowed down")]
    throttled_share: Annotated[Share, Meta(description="share of passes in which it was")]
    readings: Annotated[list[CardReading], Meta(description="before and after each pass")]


class CellTiming(Part, kw_only=True, frozen=True):
    """The times of a method at an interval."""

    samples: Annotated[dict[Scope, SampleColumns], Meta(description="every timed frame, by scope")]
    warmup: Annotated[dict[Scope, SampleColumns], Meta(description="frames of the warm-up, which count for nothing")]
    kinds: Annotated[list[KindTimes], Meta(description="times of each scope and kind of frame")] = []
    height: Annotated[Positive | None, Meta(description="of the timed frames, in pixels")] = None
    width: Annotated[Positive | None, Meta(description="of the timed frames, in pixels")] = None
    fps_model: Annotated[Quantity | None, Meta(description="frames a second over 15 frames, scope `model`")] = None
    fps_labels: Annotated[Quantity | None, Meta(description="the same, scope `labels`")] = None
    fps_video: Annotated[Quantity | None, Meta(description="the same, scope `video`")] = None
    fps_throughput: Annotated[
        Quantity | None, Meta(description="the same of the median pass, scope `throughput`: over all streams")
    ] = None
    fps_throughput_low: Annotated[Quantity | None, Meta(description="lower end of its 95 % interval")] = None
    fps_throughput_high: Annotated[Quantity | None, Meta(description="upper end of its 95 % interval")] = None
    late: Annotated[dict[Scope, Late], Meta(description="share of frames over each deadline, by scope")] = {}
    p50_key_ms: Annotated[Quantity | None, Meta(description="median time of a key frame in ms, scope `labels`")] = None
    p50_non_key_ms: Annotated[Quantity | None, Meta(description="the same of a non-key frame")] = None
    wait_frames: Annotated[
        Count | None,
        Meta(description="frames after each one that a method looks at, so that its result is late by them"),
    ] = None
    wait_ms: Annotated[
        Quantity | None, Meta(description="their time at the data's frame rate, in ms; no other figure holds it")
    ] = None
    stopped: Annotated[
        Name | None, Meta(description="what ended the timing: `precision`, `time limit` or `rounds`")
    ] = None
    rounds: Annotated[Count | None, Meta(description="after how many rounds")] = None
    seconds: Annotated[Quantity | None, Meta(description="after how many seconds")] = None
    before_seconds: Annotated[
        Quantity | None, Meta(description="seconds of the backbone before the first round: building and warm-up")
    ] = None
    warmup_rounds: Annotated[Count | None, Meta(description="rounds of warm-up")] = None
    warmup_stable: Annotated[bool | None, Meta(description="whether times had settled by its end")] = None
    sitting: Annotated[
        Name | None, Meta(description="the same in two runs whose processes took turns; process i is of pair i")
    ] = None
    compile_seconds: Annotated[Quantity | None, Meta(description="what compiling took")] = None
    throttled_share: Annotated[Share | None, Meta(description="share of passes in which the card slowed down")] = None
    guard: Annotated[CardSummary | None, Meta(description="what the card did meanwhile")] = None
    energy_key_j: Annotated[Quantity | None, Meta(description="joules of a key frame")] = None
    energy_non_key_j: Annotated[Quantity | None, Meta(description="joules of a non-key frame")] = None
    energy_window_s: Annotated[Quantity | None, Meta(description="seconds that they are a mean over")] = None
    energy_counter_period_s: Annotated[
        Quantity | None, Meta(description="seconds between two states of the counter")
    ] = None

    def __post_init__(self) -> None:
        for late in self.late.values():
            _check_deadlines(late)


def _check_deadlines(late: Late) -> None:
    """Raise ValueError where a deadline is no number of milliseconds above 0."""
    for deadline in late:
        try:
            is_one = 0 < float(deadline) < math.inf
        except ValueError:
            is_one = False
        if not is_one:
            raise ValueError(f"`late` has the deadline {deadline!r}; it must be a number above 0, in ms")
