"""`about.json` in a file of kept label maps: which cell and clip they are of."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from msgspec import Meta

from bench.runs.records.base import Count, Name, Positive, Record, same_length


class LabelsRecord(Record, kw_only=True, frozen=True, tag_field="schema", tag=1):
    """`about.json` in `labels/BACKBONE--METHOD--INTERVAL/NUMBER-CLIP.zip` of a run's folder."""

    migrations = {}
    remedy = "delete it, and rerun the sweep with --keep labels"

    backbone: Annotated[Name, Meta(description="as in the cell's file")]
    method: Annotated[Name, Meta(description="as in the cell's file")]
    interval: Annotated[Positive, Meta(description="as in the cell's file")]
    clip: Annotated[str, Meta(description="name of the clip")]
    height: Annotated[Positive, Meta(description="of the label maps, in pixels")]
    width: Annotated[Positive, Meta(description="of the label maps, in pixels")]
    frames: Annotated[list[Count], Meta(min_length=1, description="the frame of each label map, counted from 0")]
    distances: Annotated[
        list[Count] | None, Meta(description="frames since its key frame, where clips are scored by distance")
    ] = None

    def __post_init__(self) -> None:
        same_length(frames=self.frames, distances=self.distances)
        maps = list(zip(self.frames, self.distances or self.frames, strict=True))
        if any(first >= second for first, second in pairwise(maps)):
            raise ValueError("`frames`, and `distances` within one, must ascend")
