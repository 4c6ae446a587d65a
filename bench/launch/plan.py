"""What a launched sweep consists of, and where its files lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.launch.jobs import MergeJob, SweepJob
from mpvss.errors import UserError


@dataclass(frozen=True)
class Plan:
    """The jobs: the shards side by side, the timing alone on its machine, then the merge.

    Attributes:
        shards: one a part of the clips.
        timing: cost and timing of all cells.
        merge: of all of them.
        logs: the folder of the jobs' pickles, and of what they print.

    """

    shards: tuple[SweepJob, ...]
    timing: SweepJob
    merge: MergeJob
    logs: Path


def plan(out: Path, shards: int, arguments: Mapping[str, Any]) -> Plan:
    """The jobs of a sweep into `out` by `arguments` of `bench.sweep.sweep`; parts and logs lie in `OUT.parts`.

    Raises:
        UserError: fewer than one shard, or arguments that a launched sweep chooses itself.
    """
    if shards < 1:
        raise UserError(f"shards is {shards}; it must be 1 or more")
    for name in ("shard", "only"):
        if arguments.get(name) is not None:
            raise UserError(f"{name} is given; a launched sweep makes its parts itself")
    out = out.resolve()
    folder = out.with_name(f"{out.name}.parts")
    scoring = tuple(
        SweepJob(folder / f"shard-{number}-of-{shards}", {**arguments, "shard": f"{number}/{shards}", "only": None})
        for number in range(1, shards + 1)
    )
    timing = SweepJob(
        folder / "timing", {**arguments, "workers": 1, "shard": None, "only": ("cost", "timing"), "keep": ()}
    )
    parts = (*(job.out for job in scoring), timing.out)
    return Plan(scoring, timing, MergeJob(parts, out, str(arguments["command"])), folder / "jobs")
