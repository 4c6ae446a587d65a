"""`points/*.json` in a history's folder: what was measured of one commit."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from bench.runs.records.base import Name, Part, Positive, Record


class HistoryFigure(Part, kw_only=True, frozen=True):
    """One value of a method: a counter, or a time with its interval."""

    backbone: Annotated[Name, Meta(description="backbone")]
    method: Annotated[Name, Meta(description="method, or METHOD@LABEL")]
    interval: Annotated[
        Positive | None, Meta(description="key-frame interval; null where it does not change the value")
    ] = None
    quantity: Annotated[Name, Meta(description="what the value is, with its unit")]
    value: Annotated[float, Meta(description="in the unit of the quantity")]
    low: Annotated[float | None, Meta(description="lower end of a time's 95 % interval; null for a counter")] = None
    high: Annotated[float | None, Meta(description="upper end of a time's 95 % interval; null for a counter")] = None

    @property
    def is_time(self) -> bool:
        """Whether the value was timed, and so is of one machine."""
        return self.low is not None

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ValueError("`low` and `high` must be given together")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"`value` is {self.value}, outside of its interval from {self.low} to {self.high}")


class PointRecord(Record, kw_only=True, frozen=True, tag_field="schema", tag=1):
    """`points/COMMIT-DIGEST.json` in a history's folder."""

    migrations = {}
    remedy = "delete it, and add the run again"

    commit: Annotated[Name, Meta(description="the project's commit")]
    committed: Annotated[
        str | None, Meta(description="the commit's date, in UTC, ISO 8601; null where git does not know the commit")
    ] = None
    measured: Annotated[str, Meta(description="when it was measured, in UTC, ISO 8601")]
    setting: Annotated[Name, Meta(description="data and mode; points of another setting are another line")]
    machine: Annotated[
        Name | None, Meta(description="device, processor and threads; times of another are another line")
    ] = None
    conditions: Annotated[
        dict[str, str], Meta(description="what else may move a value: weights, libraries, system, driver")
    ]
    figures: Annotated[list[HistoryFigure], Meta(min_length=1, description="what was measured")]
