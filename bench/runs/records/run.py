"""`run.json`: what a run is, and each start of it."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from msgspec import Meta

from bench.runs.records import migrations
from bench.runs.records.base import Count, Name, Part, Positive, Quantity, Record, Scope
from bench.runs.records.environment import Environment

MOST_CLASSES = 255
"""A label is one byte, and 255 means ignore."""


class ShardRecord(Part, kw_only=True, frozen=True):
    """Which part of the clips a run scored, of a sweep that is shared among machines."""

    number: Annotated[Positive, Meta(description="which part, counted from 1")]
    count: Annotated[Positive, Meta(description="how many parts there are")]
    clips: Annotated[list[Count], Meta(min_length=1, description="the numbers of its clips in the data set, ascending")]
    labelled_clips: Annotated[Positive, Meta(description="how many clips all parts score together")]

    def __post_init__(self) -> None:
        if self.number > self.count:
            raise ValueError(f"`number` is {self.number} of {self.count}")
        if any(first >= second for first, second in pairwise(self.clips)):
            raise ValueError("`clips` must ascend")

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


class Configuration(Part, kw_only=True, frozen=True):
    """Everything that changes what a cell means: two starts that differ in it do not share a folder."""

    data: Annotated[str, Meta(description="the data set and its options")]
    classes: Annotated[list[str], Meta(max_length=MOST_CLASSES, description="names of the classes, in their order")]
    shard: Annotated[ShardRecord | None, Meta(description="which part of the clips was scored; null: all")] = None
    execution: Annotated[Literal["lean", "paper"], Meta(description="the graph that is run")]
    seed: Annotated[int, Meta(description="of random weights, and of the order of timing")]
    clips: Annotated[Positive | None, Meta(description="how many clips were used; null: all")] = None
    frames: Annotated[Positive | None, Meta(description="how many frames of each clip were used; null: all")] = None
    weights: Annotated[dict[str, str], Meta(description="hashes of the checkpoints that were given, by row")] = {}
    device: Annotated[str | None, Meta(description="as in an environment")] = None
    cpu: Annotated[str | None, Meta(description="as in an environment")] = None
    threads: Annotated[Positive | None, Meta(description="as in an environment")] = None
    repeats: Annotated[Positive | None, Meta(description="timed passes of a sweep")] = None
    scopes: Annotated[list[Scope] | None, Meta(description="scopes that a latency run times")] = None
    batch: Annotated[Positive | None, Meta(description="streams that run at once in scope `throughput`")] = None
    stopping: Annotated[str | None, Meta(description="when a latency run stops")] = None
    deadlines_ms: Annotated[list[Quantity] | None, Meta(description="deadlines of a frame, in ms")] = None
    frame_rate: Annotated[Quantity | None, Meta(description="frames a second of the data's camera, where known")] = None
    amp: Annotated[str | None, Meta(description="number format of autocast; null: that of the weights")] = None
    compile: Annotated[bool | None, Meta(description="whether networks were compiled")] = None
    cuda_graphs: Annotated[bool | None, Meta(description="whether frames were captured as CUDA graphs")] = None
    channels_last: Annotated[bool | None, Meta(description="whether channels are laid out last")] = None


class Asked(Part, kw_only=True, frozen=True):
    """What was asked for so far, over all starts."""

    methods: Annotated[list[Name], Meta(description="METHOD or METHOD@LABEL")]
    backbones: Annotated[list[Name], Meta(description="names of backbones")]
    intervals: Annotated[list[Positive], Meta(description="key-frame intervals, in frames")]

    def and_also(self, more: Asked) -> Asked:
        """These and those that are new in `more`, in this order."""
        return Asked(
            methods=list(dict.fromkeys([*self.methods, *more.methods])),
            backbones=list(dict.fromkeys([*self.backbones, *more.backbones])),
            intervals=list(dict.fromkeys([*self.intervals, *more.intervals])),
        )


class Start(Part, kw_only=True, frozen=True):
    """One start of a run."""

    command: Annotated[str, Meta(description="the command or function that was called")]
    environment: Annotated[Environment, Meta(description="what it ran on")]
    ended: Annotated[bool, Meta(description="whether it came to its end; `sweep`, `latency` and `merge` say so")] = (
        False
    )


class RunRecord(Record, kw_only=True, frozen=True, tag_field="schema", tag=4):
    """`run.json` in a run's folder."""

    migrations = {1: migrations.unchanged, 2: migrations.run_in_present_words, 3: migrations.unchanged}
    remedy = "restore it from a copy, or measure the run again in another folder"

    configuration: Annotated[Configuration, Meta(description="everything that changes what a cell means")]
    configuration_sha256: Annotated[str, Meta(description="the first 16 digits of its hash")]
    asked: Annotated[Asked, Meta(description="what was asked for so far")]
    starts: Annotated[list[Start], Meta(min_length=1, description="each start of the run")]
