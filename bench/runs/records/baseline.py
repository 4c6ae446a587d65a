"""`results/ci-baseline.json`: the counters that `mpvss-bench gate` compares with."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from bench.runs.records import migrations
from bench.runs.records.base import Count, Kind, Name, Operators, Part, Positive, Record, Share


class Conditions(Part, kw_only=True, frozen=True):
    """What the counters depend on beside the code."""

    backbone: Annotated[Name, Meta(description="of all methods")]
    data: Annotated[str, Meta(description="the clips that mIoU is of")]
    interval: Annotated[Positive, Meta(description="key-frame interval of mIoU")]
    weights: Annotated[str, Meta(description="hash of the shipped weights")]
    torch: Annotated[str, Meta(description="version of torch")]


class FrameCounters(Part, kw_only=True, frozen=True):
    """The counters of one kind of frame."""

    macs: Annotated[Count, Meta(description="multiply-accumulates executed")]
    peak_bytes: Annotated[
        Count, Meta(description="most that tensors hold at one time, beside the weights and the state before")
    ]
    operators: Annotated[Operators, Meta(description="calls of each operator")]


class MethodCounters(Part, kw_only=True, frozen=True):
    """The counters of one method."""

    parameters: Annotated[Count, Meta(description="how many")]
    miou: Annotated[Share, Meta(description="mIoU, 0..1")]
    kinds: Annotated[dict[Kind, FrameCounters], Meta(min_length=1, description="counters of each kind of frame")]


class Baseline(Record, kw_only=True, frozen=True, tag_field="schema", tag=2):
    """`results/ci-baseline.json`."""

    migrations = {1: migrations.baseline_in_present_words}
    remedy = "`mpvss-bench gate --update` writes it anew"

    conditions: Annotated[Conditions, Meta(description="what the counters depend on beside the code")]
    methods: Annotated[dict[str, MethodCounters], Meta(description="counters of each method")]
