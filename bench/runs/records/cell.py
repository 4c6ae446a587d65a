"""`cells/*.json`: one method with one backbone at one key-frame interval."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bench.runs.files import file_name
from bench.runs.records import migrations
from bench.runs.records.base import Count, Kind, Name, Operators, Part, Positive, Quantity, Record, Share, same_length
from bench.runs.records.timing import CellTiming

CellPart = Literal["accuracy", "cost", "timing"]
PARTS: tuple[CellPart, ...] = ("accuracy", "cost", "timing")
"""What is measured of a cell, each by itself."""
OFTEN = 2**53
"""More pixels than any data set has, and far from the end of int64."""
Pixels = Annotated[int, Meta(ge=0, le=OFTEN)]


class CellKey(msgspec.Struct, frozen=True, order=True):
    """What a cell is found by."""

    backbone: str
    method: str
    interval: int

    @property
    def file_name(self) -> str:
        """The cell's file."""
        return f"{file_name(self.backbone)}--{file_name(self.method)}--{self.interval:03d}.json"

    @property
    def older_file_name(self) -> str:
        """The cell's file by the words of schemas 1 and 2; the same for most."""
        method = migrations.method_before_3(self.method)
        return CellKey(self.backbone, method, self.interval).file_name


class Accuracy(Part, kw_only=True, frozen=True):
    """Measures over all labelled frames, 0..1.

    Where single frames are labelled: means over the distances 0..interval-1 from the key frame.
    """

    miou: Annotated[Share | None, Meta(description="mIoU over the classes in the ground truth, 0..1")]
    miou_with_predicted: Annotated[Share | None, Meta(description="mIoU over the classes that are predicted too")] = (
        None
    )
    wiou: Annotated[Share | None, Meta(description="IoU weighted by the ground truth's pixels")] = None
    pixel_accuracy: Annotated[Share | None, Meta(description="share of pixels whose class is right")] = None
    mvc8: Annotated[Share | None, Meta(description="video consistency over 8 frames, as the VSPW scripts have it")] = (
        None
    )
    mvc16: Annotated[Share | None, Meta(description="the same over 16 frames")] = None
    mvc8_strict: Annotated[Share | None, Meta(description="video consistency as the VSPW paper defines it")] = None
    mvc16_strict: Annotated[Share | None, Meta(description="the same over 16 frames")] = None
    tc: Annotated[
        Share | None,
        Meta(
            description="temporal consistency: mIoU between predictions and the flow-warped ones of the frames before"
        ),
    ] = None
    tc_flow: Annotated[
        Literal["ground truth", "DIS"] | None, Meta(description="whose flow warped them; null where `tc` is")
    ] = None
    class_iou: Annotated[
        list[Share | None] | None, Meta(description="IoU of each class; null where it does not occur")
    ] = None
    labelled_frames: Annotated[Positive, Meta(description="how many frames were scored")]
    miou_by_distance: Annotated[
        list[Share | None] | None, Meta(description="mIoU at each distance from the key frame, for single labels")
    ] = None


class ClipPixels(Part, kw_only=True, frozen=True):
    """The pixels of one clip, for each class in it; mIoU and WIoU follow from them."""

    name: Annotated[str, Meta(description="name of the clip")]
    classes: Annotated[list[Count], Meta(description="classes that occur in the clip, ascending")]
    truth: Annotated[list[Pixels], Meta(description="pixels of each class in the ground truth")]
    intersection: Annotated[
        list[list[Pixels]],
        Meta(min_length=1, description="pixels where prediction and truth agree, at each distance from the key frame"),
    ]
    predicted: Annotated[
        list[list[Pixels]], Meta(min_length=1, description="pixels of each class in the prediction, by distance")
    ]

    def __post_init__(self) -> None:
        if any(first >= second for first, second in pairwise(self.classes)):
            raise ValueError("`classes` must ascend")
        same_length(intersection=self.intersection, predicted=self.predicted)
        for hit, predicted in zip(self.intersection, self.predicted, strict=True):
            same_length(classes=self.classes, truth=self.truth, intersection=hit, predicted=predicted)
            if any(h > min(t, p) for h, t, p in zip(hit, self.truth, predicted, strict=True)):
                raise ValueError("`intersection` holds more pixels than `truth` or `predicted`")


class CellCost(Part, kw_only=True, frozen=True):
    """What a method costs at one frame size.

    Of a method without key frames, the key frame is a clip's first frame, and the non-key frame one far from its ends.
    """

    parameters: Annotated[Count, Meta(description="how many")]
    key_macs: Annotated[Quantity | Count, Meta(description="multiply-accumulates of a key frame")]
    non_key_macs: Annotated[Quantity | Count, Meta(description="multiply-accumulates of a non-key frame")]
    mean_macs: Annotated[
        Quantity | Count,
        Meta(
            description="their mean over the frames of the clips that were scored, at the interval; in older files, "
            "which have no `long_run_macs`, over 15 frames"
        ),
    ]
    long_run_macs: Annotated[
        Quantity | Count | None, Meta(description="their mean over a video without end, at the interval")
    ] = None
    most_non_key_macs: Annotated[
        Count | None,
        Meta(description="most of a non-key frame, where what is in it decides; `non_key_macs` is then the least"),
    ] = None
    not_counted: Annotated[
        list[str], Meta(description="places where the method leaves torch, whose work is in no count")
    ] = []
    height: Annotated[Positive | None, Meta(description="of the frame, in pixels")] = None
    width: Annotated[Positive | None, Meta(description="of the frame, in pixels")] = None


class CellMemory(Part, kw_only=True, frozen=True):
    """Peak memory, in bytes."""

    host_peak_bytes: Annotated[Count, Meta(description="most of the process's resident set while timed")]
    host_before_bytes: Annotated[Count | None, Meta(description="its resident set before")] = None
    host_peak_source: Annotated[str | None, Meta(description="how the peak was read")] = None
    device_peak_bytes: Annotated[Count | None, Meta(description="most of the device's allocator")] = None


class CellRecord(Record, kw_only=True, frozen=True, tag_field="schema", tag=4):
    """`cells/BACKBONE--METHOD--INTERVAL.json` in a run's folder."""

    migrations = {
        1: migrations.samples_in_columns,
        2: migrations.cell_in_present_words,
        3: migrations.deadlines_in_a_table,
    }
    remedy = "delete it to measure it again"

    backbone: Annotated[Name, Meta(description="backbone; for Accel, the one of its key branch")]
    method: Annotated[Name, Meta(description="method, or METHOD@LABEL where one method has several rows")]
    interval: Annotated[Positive, Meta(description="key-frame interval; 1 for a method without key frames")]
    weights: Annotated[str | None, Meta(description="`untrained`, or what was loaded; null where nothing was built")]
    errors: Annotated[dict[CellPart, str], Meta(description="what failed, by part; empty for a good cell")]
    accuracy: Annotated[Accuracy | None, Meta(description="null for data without labels")]
    clips: Annotated[list[ClipPixels] | None, Meta(description="pixels clip by clip; null where they were not kept")]
    cost: Annotated[CellCost | None, Meta(description="null for `ground-truth-flow`, which is scored alone")]
    timing: Annotated[CellTiming | None, Meta(description="as cost")]
    memory: Annotated[CellMemory | None, Meta(description="as cost")]
    start: Annotated[Count, Meta(description="index into the `starts` of run.json: what the cell was measured on")] = 0
    tracebacks: Annotated[dict[CellPart, str], Meta(description="where each error came from")] = {}
    operators: Annotated[
        dict[Kind, Operators] | None, Meta(description="calls of each operator, views and allocations left out")
    ] = None

    def __post_init__(self) -> None:
        distances = {len(clip.intersection) for clip in self.clips or ()}
        if len(distances) > 1 or not distances <= {1, self.interval}:
            raise ValueError(
                f"`clips` are scored at {', '.join(map(str, sorted(distances)))} distances; "
                f"at interval {self.interval} there is 1, or as many as the interval"
            )

    @property
    def key(self) -> CellKey:
        """What the cell is found by."""
        return CellKey(self.backbone, self.method, self.interval)
