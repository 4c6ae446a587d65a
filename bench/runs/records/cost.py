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


class CountedFigure(Part, kw_only=True, frozen=True):
    """One figure of the paper's Tables 1 and 2, and the same counted on the published graph."""

    table: Annotated[Name, Meta(description="the paper's table")]
    method: Annotated[Name, Meta(description="as the paper calls it")]
    backbone: Annotated[Name, Meta(description="as the paper calls it")]
    quantity: Annotated[Literal["GFLOPs", "params_M"], Meta(description="GMACs, or millions of parameters")]
    printed: Annotated[float, Meta(gt=0, description="the paper's figure")]
    counted: Annotated[Quantity, Meta(description="the count, in the same unit")]
    deviation: Annotated[float, Meta(description="of the count, as a share of the printed figure")]
    note: Annotated[str, Meta(description="on a misprint")] = ""


class CountedStage(Part, kw_only=True, frozen=True):
    """One stage of a method, by each counter."""

    method: Annotated[Name, Meta(description="method")]
    backbone: Annotated[Name, Meta(description="backbone")]
    frame: Annotated[Kind, Meta(description="kind of frame")]
    stage: Annotated[Name, Meta(description="part of the network")]
    macs: Annotated[dict[str, Macs], Meta(description="multiply-accumulates, by counter")]
    left_out: Annotated[dict[str, dict[str, Count]], Meta(description="operators left out, by counter")]


class CostRecord(Record, kw_only=True, frozen=True, tag_field="schema", tag=2):
    """`cost-*.json`: it has `rows`, or with `--paper` `cells`, or with `--counters` `stages`."""

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

    def __post_init__(self) -> None:
        if [self.rows, self.cells, self.stages].count(None) != 2:
            raise ValueError("it must have one of `rows`, `cells` and `stages`")
        if self.cells is None and None in (self.height, self.width, self.num_classes):
            raise ValueError("`rows` and `stages` need `height`, `width` and `num_classes`")
