"""`stream.json` and `cells/*.json` of a streaming evaluation, from `mpvss-bench stream`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from bench.runs.files import file_name
from bench.runs.records.base import Count, Name, Part, Positive, Quantity, Scope, Share, same_length
from bench.runs.records.cell import Accuracy, ClipPixels
from bench.runs.records.folder import HeadRecord, NamedCell
from bench.runs.records.run import MOST_CLASSES, Start

STREAM = "stream.json"
Waiting = Literal["drop", "queue"]
KeyFrames = Literal["sync", "background"]
Rate = Annotated[float, Meta(gt=0)]


class StreamConfiguration(Part, kw_only=True, frozen=True):
    """Everything that changes what a cell means: two starts that differ in it do not share a folder."""

    timed_run: Annotated[Name, Meta(description="name of the run whose times are replayed")]
    times_sha256: Annotated[str, Meta(description="the first 16 digits of the hash of its samples")]
    scope: Annotated[Scope, Meta(description="where its times start and end")]
    data: Annotated[str, Meta(description="the data set and its options")]
    classes: Annotated[list[str], Meta(max_length=MOST_CLASSES, description="names of the classes, in their order")]
    clips: Annotated[Positive | None, Meta(description="how many clips were used; null: all")] = None
    frames: Annotated[Positive | None, Meta(description="how many frames of each clip were used; null: all")] = None
    execution: Annotated[Literal["lean", "paper"], Meta(description="the graph that is run")]
    seed: Annotated[int, Meta(description="of random weights")]
    weights: Annotated[dict[str, str], Meta(description="hashes of the checkpoints that were given, by row")] = {}


class StreamRecord(HeadRecord, kw_only=True, frozen=True, tag_field="schema", tag=1):
    """`stream.json` in the folder of a streaming evaluation."""

    migrations = {}
    remedy = "restore it from a copy, or evaluate again in another folder"

    configuration: Annotated[StreamConfiguration, Meta(description="everything that changes what a cell means")]
    starts: Annotated[list[Start], Meta(min_length=1, description="each start of the command")]

    @property
    def common(self) -> StreamConfiguration:
        """The configuration."""
        return self.configuration


class StreamCell(NamedCell, kw_only=True, frozen=True, tag_field="schema", tag=1):
    """`cells/*.json` of a streaming evaluation: a method at an interval, on a camera of some rate."""

    migrations = {}
    remedy = "delete it to evaluate it again"

    backbone: Annotated[Name, Meta(description="backbone; for Accel, the one of its key branch")]
    method: Annotated[Name, Meta(description="METHOD or METHOD@LABEL")]
    interval: Annotated[Positive, Meta(description="frames of the camera from a key frame to the next, at least")]
    rate: Annotated[Rate, Meta(description="frames a second of the camera")]
    waiting: Annotated[
        Waiting, Meta(description="`drop`: the newest frame is taken, and those before it are left out; `queue`: all")
    ]
    keys: Annotated[
        KeyFrames,
        Meta(description="`sync`: a key frame holds up the others; `background`: they go on from the last one"),
    ]
    weights: Annotated[str, Meta(description="`untrained`, or what was loaded")]
    start: Annotated[Count, Meta(description="index into `starts`")] = 0
    accuracy: Annotated[
        Accuracy, Meta(description="of what is on show at each frame's time; with nothing on show every pixel is wrong")
    ]
    offline_miou: Annotated[
        Share | None, Meta(description="mIoU of the same at the interval, where every frame waits for its own result")
    ]
    clips: Annotated[list[ClipPixels], Meta(description="pixels clip by clip")]
    offline_clips: Annotated[list[ClipPixels], Meta(description="the same, where every frame waits")]
    frames: Annotated[Positive, Meta(description="how many frames the camera gave")]
    without_result: Annotated[Count, Meta(description="at how many of their times nothing was on show yet")]
    taken: Annotated[Count, Meta(description="how many frames the method was run on, key frames included")]
    key_frames: Annotated[Count, Meta(description="how many of these were key frames")]
    mean_age: Annotated[
        Quantity | None, Meta(description="mean age of what is on show, in frames of the camera; null: never anything")
    ]

    def __post_init__(self) -> None:
        same_length(clips=self.clips, offline_clips=self.offline_clips)

    @property
    def file_name(self) -> str:
        """Its file in the folder of cells."""
        return stream_file(self.backbone, self.method, self.interval, self.rate, self.waiting, self.keys)


def stream_file(backbone: str, method: str, interval: int, rate: float, waiting: Waiting, keys: KeyFrames) -> str:
    """The file of a cell."""
    return f"{file_name(backbone)}--{file_name(method)}--{interval:03d}--{rate:g}Hz--{waiting}--{keys}.json"
