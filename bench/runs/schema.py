"""Versions of the layout of results, and how an older one is brought to the present one.

For a new version: raise `SCHEMA`, and add the step from the version before it to `_STEPS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

SCHEMA = 3
COUNTED_SCHEMA = 2
"""Of counted costs, `cost-*.json`."""
PEER_SCHEMA = 3
"""Of times beside the peer, `peer-*.json`."""

Record = dict[str, Any]
"""What a `run.json` or a cell's file holds."""


def migrate(record: Record) -> Record | None:
    """The record in the present layout; None where its schema is not known."""
    schema = record["schema"]
    while schema != SCHEMA:
        if not isinstance(schema, int) or schema not in _STEPS:
            return None
        record, schema = _STEPS[schema](record), schema + 1
    return {**record, "schema": SCHEMA}


def migrate_counted(record: Record) -> Record | None:
    """A counted cost in the present layout; None where its schema is not known."""
    if record["schema"] == 1:
        record = {**_in_present_words(record), "schema": 2}
    return record if record["schema"] == COUNTED_SCHEMA else None


def migrate_peer(record: Record) -> Record | None:
    """Times beside the peer in the present layout; None where their schema is not known.

    Those of schema 1 were taken in float32 alone, and compared label maps of one class, which is left out.
    """
    if record["schema"] == 1:
        mode = {"name": "float32", "labels_unlike": []}
        mode |= {name: record[name] for name in ("samples_s", "median_s", "ratio_to_peer")}
        record = {**record, "schema": 2, "modes": [mode], "labels": None}
    if record["schema"] == 2:
        record = {**_in_present_words(record), "schema": 3}
    return record if record["schema"] == PEER_SCHEMA else None


def _without_clips(record: Record) -> Record:
    """From 1: a cell says nothing of single clips."""
    return {**record, "clips": None} if "accuracy" in record else record


def _samples_in_columns(record: Record) -> Record:
    """From 1: a sample held the times of both scopes, and each sample was an object."""
    timing = record.get("timing")
    if not timing:
        return record
    columns = {name: _columns(timing[name]) for name in ("samples", "warmup")}
    return {**record, "timing": {**timing, **columns}}


def _columns(samples: list[Record]) -> dict[str, Record]:
    scopes: dict[str, Record] = {}
    for scope in ("labels", "model"):
        timed = [sample for sample in samples if sample[scope] is not None]
        if timed:
            scopes[scope] = {
                "round": [sample["repeat"] for sample in timed],
                "frame": [sample["frame"] for sample in timed],
                "key": [sample["kind"] == "key" for sample in timed],
                "seconds": [sample[scope] for sample in timed],
            }
    return scopes


def _in_present_words(value: Any) -> Any:
    """From 2: `other` frames are non-key frames, and `true-flow` is ground-truth-flow."""
    if isinstance(value, dict):
        return {_in_present_word(name): _in_present_words(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_in_present_words(inner) for inner in value] if _holds_words(value) else value
    return {"other": "non-key", "true-flow": "ground-truth-flow"}.get(value, value) if isinstance(value, str) else value


def _in_present_word(name: str) -> str:
    if name == "other":
        return "non-key"
    return re.sub(r"(?<![a-z])other_(?=macs$|ms$|j$)", "non_key_", name)


def _holds_words(values: list[Any]) -> bool:
    """Whether a list can hold a name: columns of samples are long, and numbers alone."""
    return not all(isinstance(value, int | float) for value in values)


_STEPS: dict[int, Callable[[Record], Record]] = {
    1: lambda record: _samples_in_columns(_without_clips(record)),
    2: _in_present_words,
}
