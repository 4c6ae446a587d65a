"""The jobs of a launched sweep. They are pickled; each goes on from what is done when it is started again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench.runs.lease import VOID_AFTER, HeldError

Result = TypeVar("Result")
PATIENCE = 2 * VOID_AFTER
"""Seconds that a job waits for a folder: where it ran before may be gone, and its lease is void only after a while."""
SECONDS_BETWEEN_TRIES = 5.0


@dataclass(frozen=True)
class _Job:
    def checkpoint(self) -> Any:
        """What is run after pre-emption or a time-out, as submitit asks for it: the same, which resumes."""
        from submitit.helpers import DelayedSubmission

        job: Any = self  # the jobs below can be called
        return DelayedSubmission(job)


@dataclass(frozen=True)
class SweepJob(_Job):
    """A sweep into a folder; `arguments` are those of `bench.sweep.sweep`. Calling it gives how many cells failed."""

    out: Path
    arguments: Mapping[str, Any]

    def __call__(self) -> int:
        from bench.sweep import sweep

        return len(patiently(lambda: sweep(self.out, **self.arguments)).failed)


@dataclass(frozen=True)
class MergeJob(_Job):
    """The merge of parts. Calling it gives how many cells failed."""

    parts: tuple[Path, ...]
    out: Path
    command: str

    def __call__(self) -> int:
        from bench.sweep import merge_parts

        return len(patiently(lambda: merge_parts(self.parts, self.out, command=self.command)).failed)


def patiently(
    work: Callable[[], Result], *, patience: float = PATIENCE, wait: Callable[[float], object] = time.sleep
) -> Result:
    """The result of `work`, which is tried again while another process holds its folder, so many seconds at most."""
    tries = round(patience / SECONDS_BETWEEN_TRIES)
    for _ in range(tries):
        try:
            return work()
        except HeldError:
            wait(SECONDS_BETWEEN_TRIES)
    return work()
