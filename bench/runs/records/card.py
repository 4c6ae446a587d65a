"""`card.json` and `cells/*.json` of a card's folder, from `mpvss-bench card`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from bench.runs.files import file_name
from bench.runs.records.base import Count, Kind, Name, Part, Positive, Quantity, Share
from bench.runs.records.cell import CellMemory
from bench.runs.records.environment import Environment
from bench.runs.records.folder import HeadRecord, NamedCell
from bench.runs.records.run import Start
from bench.runs.records.timing import CellTiming

CardPart = Literal["labels", "fps", "modes", "peer", "profile", "prediction"]
CARD_PARTS: tuple[CardPart, ...] = ("labels", "fps", "modes", "peer", "profile", "prediction")
"""What is measured of a card, in the order it is measured in."""


Size = Annotated[list[Positive], Meta(min_length=2, max_length=2)]


class CardConfiguration(Part, kw_only=True, frozen=True):
    """Everything that changes what a cell means: two starts that differ in it do not share a folder."""

    device: Annotated[Name, Meta(description="as in an environment")]
    cpu: Annotated[Name, Meta(description="as in an environment")]
    seed: Annotated[int, Meta(description="of random weights, frames, and the order of timing")]
    rounds: Annotated[Positive, Meta(description="timed passes; the paper's are three")]
    size: Annotated[Size | None, Meta(description="height and width of every frame; null: those of the tables")] = None


class CardRecord(HeadRecord, kw_only=True, frozen=True, tag_field="schema", tag=1):
    """`card.json` in a card's folder."""

    migrations = {}
    remedy = "restore it from a copy, or measure the card again in another folder"

    configuration: Annotated[CardConfiguration, Meta(description="everything that changes what a cell means")]
    starts: Annotated[list[Start], Meta(min_length=1, description="each start of the command")]

    @property
    def common(self) -> CardConfiguration:
        """The configuration."""
        return self.configuration

    @property
    def environment(self) -> Environment:
        """What the last start ran on."""
        return self.starts[-1].environment


class LabelsOnDevice(Part, kw_only=True, frozen=True):
    """The labels of one frame on the CPU and on the device, in float32 without TF32."""

    frame: Annotated[Kind, Meta(description="kind of frame")]
    pixels: Annotated[Positive, Meta(description="how many labels there are")]
    unlike: Annotated[Count, Meta(description="how many differ")]
    ties: Annotated[Count, Meta(description="how many of these are ties: the CPU's scores of both labels are as good")]
    widest_gap: Annotated[
        Quantity | None,
        Meta(description="most that the CPU's scores of both labels are apart, as a share of the range of its scores"),
    ]
    classes: Annotated[Count, Meta(description="how many classes occur")]
    most_common_share: Annotated[Share, Meta(description="share of the most common class")]

    @property
    def agreement(self) -> float:
        """Share of the pixels whose labels are the same or tie, 0..1."""
        return 1 - (self.unlike - self.ties) / self.pixels


class FrameProfile(Part, kw_only=True, frozen=True):
    """One kind of frame under the profiler, which slows work down: means over its frames."""

    frame: Annotated[Kind, Meta(description="kind of frame")]
    ms: Annotated[Quantity, Meta(description="the whole frame on the host, in ms")]
    stage_ms: Annotated[dict[str, Quantity], Meta(description="time by stage in ms: of the device, else of the host")]
    launches: Annotated[Quantity | None, Meta(description="kernels; null without a device")] = None
    busy_ms: Annotated[Quantity | None, Meta(description="time in which a kernel ran")] = None
    idle_ms: Annotated[Quantity | None, Meta(description="time between kernels in which none ran")] = None


class SpeedPrediction(Part, kw_only=True, frozen=True):
    """A measured speed of this card, and the same predicted."""

    table: Annotated[Name, Meta(description="the paper's table")]
    method: Annotated[Name, Meta(description="as the paper calls it")]
    backbone: Annotated[Name, Meta(description="as the paper calls it")]
    measured_fps: Annotated[float, Meta(gt=0, description="scope `model`, as measured")]
    predicted_fps: Annotated[Quantity, Meta(description="predicted by rates that were fitted on this card")]
    fitted: Annotated[bool, Meta(description="whether the rates were fitted to this figure too")]
    by_data_sheet_fps: Annotated[
        Quantity | None, Meta(description="predicted by the data sheet and the rates of the paper's V100")
    ] = None


class CardPrediction(Part, kw_only=True, frozen=True):
    """How well speeds are predicted on this card."""

    device: Annotated[Name, Meta(description="entry of the devices file")]
    rates: Annotated[dict[str, Quantity], Meta(description="the fitted numbers: seconds of a launch, and shares")]
    speeds: Annotated[list[SpeedPrediction], Meta(min_length=1, description="each speed that was measured")]


class CardCell(NamedCell, kw_only=True, frozen=True, tag_field="schema", tag=1):
    """`cells/PART--NAME.json` in a card's folder: one thing that was measured, or why it could not be."""

    migrations = {}
    remedy = "delete it to measure it again"

    part: Annotated[CardPart, Meta(description="what kind of measurement it is")]
    name: Annotated[Name, Meta(description="tells it from the others of its part")]
    start: Annotated[Count, Meta(description="index into the `starts` of card.json: what it was measured on")]
    seconds: Annotated[Quantity, Meta(description="how long measuring it took")]
    method: Annotated[Name | None, Meta(description="method, as the project calls it")] = None
    backbone: Annotated[Name | None, Meta(description="backbone, as the project calls it")] = None
    size: Annotated[Size | None, Meta(description="height and width of the frame")] = None
    num_classes: Annotated[Positive | None, Meta(description="classes of the method")] = None
    table: Annotated[Name | None, Meta(description="the paper's table that it is a row of")] = None
    paper_method: Annotated[Name | None, Meta(description="the row's method, as the paper calls it")] = None
    paper_backbone: Annotated[Name | None, Meta(description="the row's backbone, as the paper calls it")] = None
    mode: Annotated[Name | None, Meta(description="how the networks were run, in words")] = None
    error: Annotated[str | None, Meta(description="what failed; null for a good cell")] = None
    traceback: Annotated[str | None, Meta(description="where the error came from")] = None
    labels: Annotated[list[LabelsOnDevice] | None, Meta(description="part `labels`: both kinds of frame")] = None
    timing: Annotated[CellTiming | None, Meta(description="parts `fps` and `modes`; FPS are at interval 5")] = None
    memory: Annotated[CellMemory | None, Meta(description="parts `fps` and `modes`, in scope `labels`")] = None
    profile: Annotated[list[FrameProfile] | None, Meta(description="part `profile`: both kinds of frame")] = None
    prediction: Annotated[CardPrediction | None, Meta(description="part `prediction`")] = None
    written: Annotated[
        str | None, Meta(description="file or folder beside `cells/` that has all of it: parts `peer` and `profile`")
    ] = None

    def __post_init__(self) -> None:
        found = (self.labels, self.timing, self.profile, self.prediction, self.written)
        if self.error is None and all(x is None for x in found):
            raise ValueError("it must have a measurement or an `error`")

    @property
    def file_name(self) -> str:
        """The cell's file."""
        return cell_file(self.part, self.name)


def cell_file(part: CardPart, name: str) -> str:
    """The file of a cell."""
    return f"{part}--{file_name(name)}.json"
