"""`predict-*.json`: predicted times of frames on a CPU beside measured ones, from `mpvss-bench cost --fit cpu`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from bench.runs.records.base import Count, Kind, Name, Part, Positive, Quantity, Record, same_length
from bench.runs.records.environment import Environment

Seconds = Annotated[float, Meta(gt=0)]


class FittedNumbers(Part, kw_only=True, frozen=True):
    """What was fitted beside the times of operations."""

    launch_s: Annotated[Seconds, Meta(description="seconds of a launch")]
    macs_per_second: Annotated[Seconds, Meta(description="multiply-accumulates a second")]
    bytes_per_second: Annotated[Seconds, Meta(description="bytes a second")]


class MeasuredOperations(Part, kw_only=True, frozen=True):
    """The operations of the networks that were fitted, as columns; like ones are one."""

    kind: Annotated[list[Name], Meta(description="kind of kernel")]
    macs: Annotated[list[Count], Meta(description="multiply-accumulates")]
    bytes: Annotated[list[Count], Meta(description="read and written")]
    inputs: Annotated[list[float], Meta(description="logarithm of input channels, kernel size included")]
    outputs: Annotated[list[float], Meta(description="logarithm of output channels")]
    pixels: Annotated[list[float], Meta(description="logarithm of output pixels or rows")]
    before: Annotated[list[float], Meta(description="logarithm of the bytes moved just before")]
    seconds: Annotated[list[Seconds], Meta(description="CPU time, of the time of its stage")]

    def __post_init__(self) -> None:
        same_length(**{name: getattr(self, name) for name in self.__struct_fields__})


class PredictedTime(Part, kw_only=True, frozen=True):
    """One kind of frame of a network: measured, and predicted from its shapes alone."""

    method: Annotated[Name, Meta(description="method")]
    backbone: Annotated[Name, Meta(description="backbone")]
    height: Annotated[Positive, Meta(description="of the frame, in pixels")]
    width: Annotated[Positive, Meta(description="of the frame, in pixels")]
    num_classes: Annotated[Positive, Meta(description="how many classes")]
    frame: Annotated[Kind, Meta(description="kind of frame")]
    role: Annotated[
        Literal["fitted", "seen", "held out"],
        Meta(description="`fitted`; `seen`: not fitted, but looked at while the model was made; `held out`: neither"),
    ]
    samples_s: Annotated[list[Seconds], Meta(min_length=1, description="every CPU time, in seconds")]
    measured_s: Annotated[Seconds, Meta(description="their lower quartile")]
    predicted_s: Annotated[Quantity, Meta(description="the prediction")]
    error: Annotated[float, Meta(description="of the prediction, as a share of the measured time")]


class PredictRecord(Record, kw_only=True, frozen=True, tag_field="schema", tag=1):
    """`predict-*.json`: predictions, which `compare` refuses."""

    migrations = {}
    remedy = "fit again with mpvss-bench cost --fit cpu"

    environment: Annotated[Environment, Meta(description="as in a run; one thread")]
    fitted: Annotated[FittedNumbers, Meta(description="what was fitted")]
    operations: Annotated[MeasuredOperations, Meta(description="measured operations")]
    frames: Annotated[list[PredictedTime], Meta(min_length=1, description="each kind of frame of each network")]
