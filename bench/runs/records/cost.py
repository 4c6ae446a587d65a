"""`cost-*.json`: counted parameters and multiply-accumulates, from `mpvss-bench cost --json`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from bench.runs.records import migrations
from bench.runs.records.base import Count, Kind, Name, Part, Positive, Quantity, Record

Macs = Count | Quantity


class CountedMethod(Part, kw_only=True, frozen=True):
    """One method and backbone: `paper` is the published graph, `lean` the one that is run."""

    method: Annotated[Name, Meta(description="method")]
    backbone: Annotated[Name, Meta(description="backbone")]
    parameters: Annotated[Count, Meta(description="how many")]
    paper_key_macs: Annotated[Macs, Meta(description="multiply-accumulates of a key frame, published graph")]
    paper_non_key_macs: Annotated[Macs, Meta(description="of a non-key frame")]
    paper_mean_macs: Annotated[Macs, Meta(description="of a clip's mean frame")]
    lean_key_macs: Annotated[Macs, Meta(description="multiply-accumulates of a key frame, graph that is run")]
    lean_non_key_macs: Annotated[Macs, Meta(description="of a non-key frame")]
    lean_mean_macs: Annotated[Macs, Meta(description="of a clip's mean frame")]
    not_counted: Annotated[
        list[str], Meta(description="places where the method leaves torch, whose work is in no count")
    ] = []
    most_non_key_macs: Annotated[
        Count | None, Meta(description="most of a non-key frame, graph that is run, where what is in it decides")
    ] = None


class OtherCount(Part, kw_only=True, frozen=True):
    """A figure of the paper counted by another tool's rules, or of another configuration."""

    what: Annotated[Name, Meta(description="the tool or the configuration")]
    counted: Annotated[Quantity, Meta(description="the count, in the unit of the printed figure")]
    deviation: Annotated[float, Meta(description="of the count, as a share of the printed figure")]


class CountedFigure(Part, kw_only=True, frozen=True):
    """One figure of the paper's Tables 1 and 2, and the same counted on the published graph."""

    table: Annotated[Name, Meta(description="the paper's table")]
    method: Annotated[Name, Meta(description="as the paper calls it")]
    backbone: Annotated[Name, Meta(description="as the paper calls it")]
    quantity: Annotated[Literal["GFLOPs", "params_M"], Meta(description="GMACs, or millions of parameters")]
    printed: Annotated[float, Meta(gt=0, description="the paper's figure")]
    counted: Annotated[Quantity, Meta(description="the count, in the same unit")]
    deviation: Annotated[float, Meta(description="of the count, as a share of the printed figure")]
    note: Annotated[str, Meta(description="on a misprint, or a figure that nothing here gives")] = ""
    status: Annotated[
        Literal["agrees", "explained", "misprint", "contradiction", "off"] | None,
        Meta(description="what becomes of the figure; `explained`: one of `others` gives it"),
    ] = None
    what: Annotated[str, Meta(description="what was counted, of other publications' rows")] = ""
    others: Annotated[list[OtherCount], Meta(description="the figure counted in other ways")] = []


class CountedStage(Part, kw_only=True, frozen=True):
    """One stage of a method, by each counter."""

    method: Annotated[Name, Meta(description="method")]
    backbone: Annotated[Name, Meta(description="backbone")]
    frame: Annotated[Kind, Meta(description="kind of frame")]
    stage: Annotated[Name, Meta(description="part of the network")]
    macs: Annotated[dict[str, Macs], Meta(description="multiply-accumulates, by counter")]
    left_out: Annotated[dict[str, dict[str, Count]], Meta(description="operators left out, by counter")]


class PredictedMethod(Part, kw_only=True, frozen=True):
    """The predicted speed of one method and backbone on a device; nothing in it was measured."""

    method: Annotated[Name, Meta(description="method")]
    backbone: Annotated[Name, Meta(description="backbone")]
    device: Annotated[Name, Meta(description="a device of `bench/measure/predict/devices.toml`, or of the user's file")]
    precision: Annotated[Literal["float32", "tf32", "float16"], Meta(description="number format")]
    graph: Annotated[Literal["lean", "paper"], Meta(description="the graph whose speed it is")]
    key_ms: Annotated[Quantity, Meta(description="predicted milliseconds of a key frame")]
    non_key_ms: Annotated[Quantity, Meta(description="of a non-key frame")]
    fps: Annotated[Quantity, Meta(description="predicted frames a second of a clip")]


class PredictedFigure(Part, kw_only=True, frozen=True):
    """One speed of the paper's Tables 1 and 2, and the same predicted."""

    table: Annotated[Name, Meta(description="the paper's table")]
    method: Annotated[Name, Meta(description="as the paper calls it")]
    backbone: Annotated[Name, Meta(description="as the paper calls it")]
    published_fps: Annotated[float, Meta(gt=0, description="the paper's figure")]
    predicted_fps: Annotated[Quantity, Meta(description="the prediction")]
    fitted: Annotated[bool, Meta(description="whether the prediction was fitted to this figure too")]
    error: Annotated[float, Meta(description="of the prediction, as a share of the published figure")]


class CostRecord(Record, kw_only=True, frozen=True, tag_field="schema", tag=2):
    """`cost-*.json`: it has `rows`, or with `--paper` `cells`, or with `--counters` `stages`.

    With `--fps` it has `predicted`, or with `--paper` too `speeds`.
    """

    migrations = {1: migrations.cost_in_present_words}
    unnamed = 1
    remedy = "count it again with mpvss-bench cost"

    height: Annotated[Positive | None, Meta(description="of the frame that was counted, in pixels")] = None
    width: Annotated[Positive | None, Meta(description="of the frame that was counted, in pixels")] = None
    num_classes: Annotated[Positive | None, Meta(description="classes of the head that was counted")] = None
    interval: Annotated[Positive | None, Meta(description="key-frame interval of the mean")] = None
    clip_length: Annotated[Positive | None, Meta(description="frames that the mean is over")] = None
    rows: Annotated[list[CountedMethod] | None, Meta(description="each method and backbone")] = None
    tolerance: Annotated[
        dict[str, Quantity] | None, Meta(description="share of a printed figure that a count may be off by")
    ] = None
    cells: Annotated[list[CountedFigure] | None, Meta(description="each figure of the paper that was counted")] = None
    stages: Annotated[list[CountedStage] | None, Meta(description="each stage of each method")] = None

    predicted: Annotated[list[PredictedMethod] | None, Meta(description="each method, backbone and device")] = None
    speeds: Annotated[list[PredictedFigure] | None, Meta(description="each speed of the paper that was predicted")] = (
        None
    )

    def __post_init__(self) -> None:
        if [self.rows, self.cells, self.stages, self.predicted, self.speeds].count(None) != 4:
            raise ValueError("it must have one of `rows`, `cells`, `stages`, `predicted` and `speeds`")
        of_the_paper = self.cells is not None or self.speeds is not None
        if not of_the_paper and None in (self.height, self.width, self.num_classes):
            raise ValueError("`rows`, `stages` and `predicted` need `height`, `width` and `num_classes`")
