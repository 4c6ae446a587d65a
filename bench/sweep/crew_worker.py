"""A process that scores clips for another: what it is given, what it says, and its work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import torch

from bench.data import Dataset
from bench.evaluate.clip_store import ClipStore
from bench.evaluate.keeping import Keeping
from bench.evaluate.lockstep import Cell
from bench.methods.builder import Builder
from bench.sweep.clips import ClipScoring
from bench.sweep.failure import Failure
from mpvss.errors import UserError


class Kit(NamedTuple):
    """What scoring needs."""

    dataset: Dataset
    build: Builder
    device: torch.device


Recipe = Callable[[int], Kit]
"""Makes a kit in the worker of that number. It is pickled, so it is a function of a module, or a `partial` of one."""


@dataclass(frozen=True)
class Job:
    """What a worker scores: cells of one backbone, into a folder of clips' scores; with `keeping`, maps are kept."""

    recipe: Recipe
    backbone: str
    cells: Sequence[Cell]
    folder: Path
    keeping: Keeping | None = None


@dataclass(frozen=True)
class Task:
    """A clip to score, by its number, without these methods, which have failed elsewhere."""

    clip: int
    without: Mapping[str, Failure] = field(default_factory=dict)


class Ready(NamedTuple):
    """The worker can take clips."""


class FrameDone(NamedTuple):
    """A frame was run."""


class Said(NamedTuple):
    """Something a reader must know."""

    text: str


class ClipDone(NamedTuple):
    """The clip is in the store; the methods that failed up to here."""

    failed: Mapping[str, Failure]


class Refused(NamedTuple):
    """The input is bad, which no other worker can mend."""

    text: str


class Broken(NamedTuple):
    """The worker ends with an error."""

    failure: Failure


Message = Ready | FrameDone | Said | ClipDone | Refused | Broken


def work(connection: Connection, number: int, job: Job) -> None:
    """Score the clips that are asked for through the connection, until the process at its other end is gone."""
    try:
        _work(connection, number, job)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except UserError as error:
        _send(connection, Refused(str(error)))
    except Exception as error:
        _send(connection, Broken(Failure.of(error)))


def _work(connection: Connection, number: int, job: Job) -> None:
    kit = job.recipe(number)
    built = kit.build(list(dict.fromkeys(cell.method for cell in job.cells)), job.backbone)
    store = ClipStore(job.folder, lambda text: connection.send(Said(text)))
    assert kit.dataset.num_classes is not None, "methods are built for a number of classes"
    scoring = ClipScoring(built, store, kit.dataset.num_classes, kit.device, job.keeping)
    connection.send(Ready())
    while True:
        task: Task = connection.recv()
        scoring.failed |= task.without
        clip = kit.dataset.clips[task.clip]
        scoring.score(task.clip, clip, job.cells, lambda: connection.send(FrameDone()))
        connection.send(ClipDone(scoring.failed))


def _send(connection: Connection, message: Message) -> None:
    try:
        connection.send(message)
    except OSError:
        return  # nobody is there to be told
