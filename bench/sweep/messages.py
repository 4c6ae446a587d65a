"""What a process that measures is told, and what it answers: one JSON object a line.

The two ends may be of different revisions, so a field that has its default is not sent, and one that is not known is
refused.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from bench.measure.time.modes import Mode
from bench.measure.time.samples import Scope
from bench.runs.records.environment import Environment
from bench.sweep.times import Measured
from mpvss.presets import Execution

GO, STOP = "go", "stop"
"""The lines that follow a task: measure until your next turn; that was your last turn."""


class Request(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is timed and how, as the arguments of `bench.sweep.latency` of the same names."""

    methods: tuple[str, ...] = ("all",)
    backbones: tuple[str, ...] = ("micro",)
    scopes: tuple[Scope, ...] = ("labels",)
    batch: int = 1
    data: str = "generated"
    labels: str | None = None
    classes: int | None = None
    size: tuple[int, int] | None = None
    weights: tuple[str, ...] = ()
    protocol: Literal["precise", "paper"] = "precise"
    precision: float | None = None
    samples: int | None = None
    time_limit: float | None = None
    execution: Execution = "lean"
    mode: Mode | None = None
    seed: int = 0
    device: str = "cpu"
    threads: int | None = None


class Task(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one process measures of a request.

    Attributes:
        request: what is timed.
        backbone: one of its backbones.
        methods: some of its methods, each with whether it has non-key frames.
        process: which of several processes this is, from 0; memory, operators and energy are measured in the first.
        processes: how many share the samples of the request.
        time_limit: the process's share of the time limit in seconds, where it has one.
        started: when that share began, in seconds since 1970.
        warmup_rounds: with it, the process waits for its turn after every round, and this many do not count; None: it
            measures without turns, as the request says.

    """

    request: Request
    backbone: str
    methods: dict[str, bool]
    process: int = 0
    processes: int = 1
    time_limit: float | None = None
    started: float | None = None
    warmup_rounds: int | None = None


class Ready(msgspec.Struct, frozen=True, tag=True):
    """Everything is imported and opened.

    Attributes:
        code: the folder that the project's code came from.
        environment: what it runs on.
        weights: hashes of the checkpoints, as in a run's configuration.

    """

    code: str
    environment: Environment
    weights: dict[str, str]


class Passed(msgspec.Struct, frozen=True, tag=True):
    """One more pass over the clip is timed."""


class Turn(msgspec.Struct, frozen=True, tag=True):
    """A round has ended; the process waits for its next turn."""


class Done(msgspec.Struct, frozen=True, tag=True):
    """All is measured."""

    measured: Measured


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The request is bad input."""

    text: str


class Broken(msgspec.Struct, frozen=True, tag=True):
    """The process failed."""

    text: str
    traceback: str


Reply = Ready | Passed | Turn | Done | Refused | Broken
