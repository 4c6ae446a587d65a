"""`comparison-trials-*.json`: comparisons whose right answer is known, with every sample."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from msgspec import Meta

from bench.runs.records.base import Count, Kind, Part, Positive, Quantity, Record, same_length
from bench.runs.records.environment import Environment

Verdict = Literal["SAME", "FASTER", "SLOWER", "UNCLEAR"]


class TrialSetting(Part, kw_only=True, frozen=True):
    """How the comparisons were made."""

    slowdown: Annotated[Quantity, Meta(description="share that non-key frames of the new side take longer; 0: none")]
    load: Annotated[str, Meta(description="what else ran on the machine")]
    data: Annotated[str, Meta(description="the data set and its options")]
    pairs: Annotated[Positive, Meta(description="pairs of processes of a comparison")]
    rounds: Annotated[Positive, Meta(description="rounds of each process")]
    floor: Annotated[Quantity, Meta(description="relative change of a time that counts")]
    alpha: Annotated[Quantity, Meta(description="chance of any false alarm in a comparison")]


class TrialSamples(Part, kw_only=True, frozen=True):
    """Times of one kind of frame on one side, a list for each field."""

    process: Annotated[list[Count], Meta(description="pair of processes, from 0")]
    round: Annotated[list[Count], Meta(description="round of the process, from 0")]
    frame: Annotated[list[Count], Meta(description="index of the frame in the clip")]
    seconds: Annotated[list[Quantity], Meta(description="its time in seconds, to 0.1 µs")]

    def __post_init__(self) -> None:
        same_length(**{name: getattr(self, name) for name in self.__struct_fields__})


class Trial(Part, kw_only=True, frozen=True):
    """One comparison."""

    date: Annotated[str, Meta(description="when it ended, in UTC, ISO 8601")]
    seconds: Annotated[Quantity, Meta(description="how long it took")]
    load_average: Annotated[Quantity, Meta(description="the system's load average of a minute at its end")]
    verdicts: Annotated[dict[Kind, Verdict], Meta(description="on the times of each kind of frame")]
    details: Annotated[dict[Kind, str], Meta(description="ratio, its interval, and a reason")]
    base: Annotated[dict[Kind, TrialSamples], Meta(description="times of the base side")]
    new: Annotated[dict[Kind, TrialSamples], Meta(description="times of the new side")]

    def __post_init__(self) -> None:
        if set(self.verdicts) != set(get_args(Kind)):
            raise ValueError("`verdicts` must be of both kinds of frame")


class TrialsRecord(Record, kw_only=True, frozen=True, tag_field="schema", tag=1):
    """`comparison-trials-*.json`."""

    migrations = {}
    remedy = "delete it, and run python -m bench.ab.trials again"

    setting: Annotated[TrialSetting, Meta(description="how the comparisons were made")]
    environment: Annotated[Environment, Meta(description="what the first of them ran on")]
    trials: Annotated[list[Trial], Meta(description="every comparison, in their order")]
