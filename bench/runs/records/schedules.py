"""`schedules.json` and `cells/*.json` of key-frame schedules, from `mpvss-bench schedules`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from bench.runs.files import file_name
from bench.runs.records.base import Count, Name, Part, Positive, Quantity
from bench.runs.records.cell import Accuracy, ClipPixels
from bench.runs.records.folder import HeadRecord, NamedCell
from bench.runs.records.run import MOST_CLASSES, Start

SCHEDULES = "schedules.json"
FIXED, RANDOM, ORACLE = "fixed", "random", "oracle"
SIGNALS = ("difference", "flow", "revealed", "confidence", "entropy", "decision")
BUDGET = "budget:"
"""Before the name of a signal: one key frame in a window, where it is highest."""
KINDS = (FIXED, RANDOM, *SIGNALS, *(f"{BUDGET}{signal}" for signal in SIGNALS), ORACLE)
"""Every schedule by name."""


class SchedulesConfiguration(Part, kw_only=True, frozen=True):
    """Everything that changes what a cell means: two starts that differ in it do not share a folder."""

    data: Annotated[str, Meta(description="the data set and its options")]
    classes: Annotated[list[str], Meta(max_length=MOST_CLASSES, description="names of the classes, in their order")]
    clips: Annotated[Positive | None, Meta(description="how many clips were used; null: all")] = None
    frames: Annotated[Positive | None, Meta(description="how many frames of each clip were used; null: all")] = None
    longest: Annotated[Positive, Meta(description="frames from a key frame to the next, at most")]
    execution: Annotated[Literal["lean", "paper"], Meta(description="the graph that is run")]
    seed: Annotated[int, Meta(description="of random weights, and of the random schedule")]
    weights: Annotated[dict[str, str], Meta(description="hashes of the checkpoints that were given, by row")] = {}
    decision_weights: Annotated[
        str, Meta(description="of DVSNet's decision network: `untrained`, or what was loaded")
    ] = "untrained"


class SchedulesRecord(HeadRecord, kw_only=True, frozen=True, tag_field="schema", tag=1):
    """`schedules.json` in the folder of key-frame schedules."""

    migrations = {}
    remedy = "restore it from a copy, or evaluate again in another folder"

    configuration: Annotated[SchedulesConfiguration, Meta(description="everything that changes what a cell means")]
    starts: Annotated[list[Start], Meta(min_length=1, description="each start of the command")]

    @property
    def common(self) -> SchedulesConfiguration:
        """The configuration."""
        return self.configuration


class ScheduleCell(NamedCell, kw_only=True, frozen=True, tag_field="schema", tag=1):
    """`cells/*.json` of key-frame schedules: a method under a schedule, at about one key frame in `interval` frames."""

    migrations = {}
    remedy = "delete it to evaluate it again"

    backbone: Annotated[Name, Meta(description="backbone; for Accel, the one of its key branch")]
    method: Annotated[Name, Meta(description="METHOD or METHOD@LABEL")]
    schedule: Annotated[Name, Meta(description="`fixed`, `random`, a signal, `budget:SIGNAL` or `oracle`")]
    interval: Annotated[Positive, Meta(description="frames a key frame that were aimed at; of `fixed` exactly")]
    level: Annotated[
        float | None, Meta(description="level of the signal, or price of a key frame, that was chosen to hit the aim")
    ] = None
    weights: Annotated[str, Meta(description="`untrained`, or what was loaded")]
    start: Annotated[Count, Meta(description="index into `starts`")] = 0
    accuracy: Annotated[Accuracy, Meta(description="over all frames of all clips")]
    clips: Annotated[list[ClipPixels], Meta(description="pixels clip by clip")]
    frames: Annotated[Positive, Meta(description="how many there are")]
    key_frames: Annotated[Count, Meta(description="how many of them are key frames")]
    mean_macs: Annotated[Quantity, Meta(description="multiply-accumulates a frame, with what the schedule computes")]
    schedule_macs: Annotated[
        Quantity,
        Meta(description="of these: by its signals, and by propagating frames that it then made key frames"),
    ]
    looks_ahead: Annotated[Count, Meta(description="frames after each one that the schedule looks at, at most")] = 0

    @property
    def file_name(self) -> str:
        """Its file in the folder of cells."""
        return schedule_file(self.backbone, self.method, self.schedule, self.interval)


def schedule_file(backbone: str, method: str, schedule: str, interval: int) -> str:
    """The file of a cell."""
    return f"{file_name(backbone)}--{file_name(method)}--{file_name(schedule)}--{interval:03d}.json"
