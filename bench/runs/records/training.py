"""`training.json` beside trained weights: how they were made."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from bench.runs.records.base import Count, Part, Record
from bench.runs.records.environment import Environment

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Table = dict[str, Any]
"""Values of a TOML table; `bench.train.configuration` has a class for each."""


class TrainingTables(Part, kw_only=True, frozen=True):
    """The tables of a training configuration, presets and changes worked in."""

    model: Annotated[Table, Meta(description="what is trained")]
    data: Annotated[Table, Meta(description="what on")]
    training: Annotated[Table, Meta(description="for how long and how")]

    def __post_init__(self) -> None:
        for table, names in (("model", ("method", "backbone")), ("training", ("steps",))):
            for name in names:
                if name not in getattr(self, table):
                    raise ValueError(f"`{table}` lacks `{name}`")


class EarlierStart(Part, kw_only=True, frozen=True):
    """A start that the last one resumed."""

    command: Annotated[str, Meta(description="its command")]
    commit: Annotated[str | None, Meta(description="its commit")]
    environment: Annotated[Environment, Meta(description="what it ran on")]
    steps_done: Annotated[Count, Meta(description="steps done when it ended")]


class TrainingRecord(Record, kw_only=True, frozen=True, tag_field="schema", tag=1):
    """`training.json` in the folder of a training run."""

    migrations = {}
    unnamed = 1
    remedy = "train the run again in another folder"

    command: Annotated[str, Meta(description="the last start's command")]
    commit: Annotated[str | None, Meta(description="its commit")]
    environment: Annotated[Environment, Meta(description="what it ran on")]
    earlier: Annotated[list[EarlierStart], Meta(description="the starts that it resumed")]
    seed: Annotated[int, Meta(description="of weights and batches")]
    configuration: Annotated[TrainingTables, Meta(description="the configuration whole")]
    data: Annotated[dict[str, str], Meta(description="identities of the training and validation data")]
    start: Annotated[dict[str, Sha256], Meta(description="SHA-256 of each checkpoint that the run started from")]
    steps_done: Annotated[Count, Meta(description="how far the run is")]
    finished: Annotated[bool, Meta(description="whether it ended; then there is a `model.safetensors`")]
