"""Steps from an older layout of a file to the next, over JSON objects.

A step may raise KeyError, TypeError or AttributeError for what does not fit the older layout; the reader says so.
"""

from __future__ import annotations

import re
from typing import Any

Json = dict[str, Any]

FLOW_BEFORE_3, FLOW = "true-flow", "ground-truth-flow"
_OTHER_FIELD = re.compile(r"(?<![a-z])other_(?=macs$|ms$|j$)")


def unchanged(record: Json) -> Json:
    """Nothing changed in this file."""
    return record


def method_before_3(method: str) -> str:
    """A row, METHOD or METHOD@LABEL, as schemas 1 and 2 called it."""
    name, at, label = method.partition("@")
    return f"{FLOW_BEFORE_3 if name == FLOW else name}{at}{label}"


def run_in_present_words(record: Json) -> Json:
    """Schema 2 called rows of ground-truth flow `true-flow`."""
    asked, configuration = record["asked"], record["configuration"]
    weights = configuration.get("weights", {})
    renamed = {"/".join([*row.split("/")[:-1], _method(row.split("/")[-1])]): text for row, text in weights.items()}
    return {
        **record,
        "asked": {**asked, "methods": [_method(method) for method in asked["methods"]]},
        "configuration": {**configuration, "weights": renamed} if weights else configuration,
    }


def samples_in_columns(record: Json) -> Json:
    """Schema 1 kept no counts of single clips; a sample was an object with the times of both scopes."""
    record = {"clips": None, **record}
    timing = record.get("timing")
    if not timing:
        return record
    columns = {name: _columns(timing[name]) for name in ("samples", "warmup")}
    return {**record, "timing": {**timing, **columns}}


def cell_in_present_words(record: Json) -> Json:
    """Schema 2 called non-key frames `other`, and ground-truth flow `true-flow`."""
    record = {**record, "method": _method(record["method"])}
    for name in ("cost", "timing"):
        if record.get(name):
            record[name] = _fields(record[name])
    timing = record.get("timing")
    if timing and "kinds" in timing:
        timing["kinds"] = [{**row, "kind": _kind(row["kind"])} for row in timing["kinds"]]
    if record.get("operators"):
        record["operators"] = {_kind(kind): calls for kind, calls in record["operators"].items()}
    return record


def deadlines_in_a_table(record: Json) -> Json:
    """Schema 3 had a field for each deadline: `late_SCOPE_Tms`, and `late_Tms` for a kind of frame."""
    timing = record.get("timing")
    if not timing:
        return record
    late: dict[str, Json] = {}
    for name in [name for name in timing if name.startswith("late_")]:
        _, scope, deadline = name.split("_")
        late.setdefault(scope, {})[deadline.removesuffix("ms")] = timing[name]
    timing = {name: value for name, value in timing.items() if not name.startswith("late_")}
    kinds = [
        {
            **{name: value for name, value in row.items() if not name.startswith("late_")},
            "late": {
                name.removeprefix("late_").removesuffix("ms"): value
                for name, value in row.items()
                if name.startswith("late_")
            },
        }
        for row in timing.get("kinds", ())
    ]
    return {**record, "timing": {**timing, "late": late, "kinds": kinds}}


def cost_in_present_words(record: Json) -> Json:
    """Schema 1 called non-key frames `other`."""
    lists = {name: [_fields(row) for row in record[name]] for name in ("rows", "cells", "stages") if name in record}
    stages = [{**row, "frame": _kind(row["frame"])} for row in lists.get("stages", ())]
    return {**record, **lists, **({"stages": stages} if stages else {})}


def peer_with_modes(record: Json) -> Json:
    """Schema 1 held times in float32 alone, and compared labels of one class, which is left out."""
    names = ("samples_s", "median_s", "ratio_to_peer")
    mode = {"name": "float32", "labels_unlike": [], **{name: record[name] for name in names}}
    kept = ("configuration", "environment", "memory_bytes", "memory_ratio_to_peer")
    return {**{name: record[name] for name in kept}, "modes": [mode], "labels": None}


def peer_in_present_words(record: Json) -> Json:
    """Schema 2 called non-key frames `other`."""
    modes = [
        {
            **mode,
            **{
                name: {_kind(kind): value for kind, value in mode[name].items()}
                for name in ("samples_s", "median_s", "ratio_to_peer")
            },
            "labels_unlike": [{**row, "frame": _kind(row["frame"])} for row in mode["labels_unlike"]],
        }
        for mode in record["modes"]
    ]
    return {**record, "modes": modes}


def baseline_in_present_words(record: Json) -> Json:
    """Schema 1 called non-key frames `other`."""
    methods = {
        method: {**counters, "kinds": {_kind(kind): of_kind for kind, of_kind in counters["kinds"].items()}}
        for method, counters in record["methods"].items()
    }
    return {**record, "methods": methods}


def _columns(samples: list[Json]) -> dict[str, Json]:
    scopes: dict[str, Json] = {}
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


def _method(method: str) -> str:
    name, at, label = method.partition("@")
    return f"{FLOW if name == FLOW_BEFORE_3 else name}{at}{label}"


def _kind(kind: str) -> str:
    return "non-key" if kind == "other" else kind


def _fields(values: Json) -> Json:
    return {_OTHER_FIELD.sub("non_key_", name): value for name, value in values.items()}
