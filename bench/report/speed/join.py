"""Accuracy joined with speed: a scored row gets the times of the same artifact, from a run that only timed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from bench.measure.time.samples import KIND_FIELDS, Kind, amortise
from bench.methods.names import method_of
from bench.report.rows import Row, is_there, is_untrained
from bench.runs.records.environment import Environment
from bench.runs.records.run import Configuration
from bench.runs.records.timing import CellTiming, KindTimes

NOT_THE_ARTIFACT = frozenset(
    {
        *("data", "classes", "shard", "seed", "clips", "frames", "weights", "device", "cpu", "threads"),
        *("repeats", "scopes", "batch", "stopping", "deadlines_ms", "frame_rate"),
    }
)
"""Fields of a configuration that leave a network, its precision, its graph and its backend as they are."""
_LIMITS = re.compile(r"[ ,]?\b(clips|frames)=\d+")
_SIZE = re.compile(r"\bsize=(\d+x\d+)")


class Artifact(NamedTuple):
    """What must be the same for an accuracy and a time to stand in one row."""

    method: str
    backbone: str
    weights: str
    size: str
    mode: str


@dataclass(frozen=True)
class Timed:
    """Times that are a measurement: the run that they are of, its machine and date, and the times."""

    run: str
    machine: str
    date: str
    timing: CellTiming


Clock = dict[Artifact, list[Timed]]
"""What was measured of each artifact."""


def artifact_of(row: Row, configuration: Configuration) -> Artifact:
    """The artifact of a run's row; labels of a method do not matter where the weights are the same."""
    weights = str(row["weights"]) if is_there(row, "weights") else ""
    if is_untrained(row):
        weights += f", seed {configuration.seed}, {len(configuration.classes)} classes"
    return Artifact(method_of(row["method"]), row["backbone"], weights, _size(row, configuration), _mode(configuration))


def machine_of(environment: Environment) -> str:
    """The device; of a CPU its name and threads."""
    if environment.device != "cpu":
        return environment.device
    return f"{environment.cpu}, {environment.threads} thread{'' if environment.threads == 1 else 's'}"


def joined(row: Row, found: Sequence[Timed], machines: Sequence[str]) -> Row:
    """The row with the newest times of each machine.

    Its own columns of times are those of the first of `machines` that has any. `timed` holds what a frame costs on each
    machine; `timed_in` and `timed_on` name the run and the machine.
    """
    newest: dict[str, Timed] = {}
    for timed in sorted(found, key=lambda timed: (timed.date, timed.run)):
        newest[timed.machine] = timed
    there = [newest[machine] for machine in machines if machine in newest]
    if not there:
        return row
    interval = int(row["interval"])
    return {
        **row,
        **times_at(there[0].timing, interval),
        "timed_in": there[0].run,
        "timed_on": there[0].machine,
        "timed": {timed.machine: times_at(timed.timing, interval) for timed in there},
    }


def times_at(timing: CellTiming, interval: int) -> dict[str, Any]:
    """The columns of times at an interval, from the times of both kinds of frame.

    Throughput is left out: it is of whole passes at one interval.
    """
    kinds: dict[str, dict[Kind, KindTimes]] = {}
    for times in timing.kinds:
        if times.scope != "throughput":
            kinds.setdefault(times.scope, {})[times.kind] = times
    fields: dict[str, Any] = {}
    for scope, of_kind in kinds.items():
        mean = amortise({kind: times.mean_ms for kind, times in of_kind.items()}, interval)
        if mean:
            fields[f"fps_{scope}"] = 1000 / mean
        for deadline in next(iter(of_kind.values())).late:
            fields[f"late_{scope}_{deadline}ms"] = _late(of_kind, deadline, interval)
    for kind, name in KIND_FIELDS.items():
        if kind == "key" or interval > 1:
            times = kinds.get("labels", {}).get(kind)
            fields[f"p50_{name}_ms"] = times and times.p50_ms
            fields[f"energy_{name}_j"] = getattr(timing, f"energy_{name}_j")
    return {name: value for name, value in fields.items() if value is not None}


def _late(of_kind: Mapping[Kind, KindTimes], deadline: str, interval: int) -> float | None:
    shares: dict[Kind, float] = {}
    for kind, times in of_kind.items():
        share = times.late.get(deadline)
        if share is not None:
            shares[kind] = share
    return amortise(shares, interval)


def _size(row: Row, configuration: Configuration) -> str:
    """HEIGHTxWIDTH of the frames; of older runs that do not say it, as the data's name has it, or that name."""
    if is_there(row, "height") and is_there(row, "width"):
        return f"{int(row['height'])}x{int(row['width'])}"
    named = _SIZE.search(configuration.data)
    return named[1] if named else _LIMITS.sub("", configuration.data)


def _mode(configuration: Configuration) -> str:
    fields = msgspec.structs.asdict(configuration)
    return ", ".join(f"{name} {value}" for name, value in fields.items() if name not in NOT_THE_ARTIFACT and value)
