"""A sweep over the stand-in methods as a program of its own, to be killed.

Usage: fake_sweep.py OUT SECONDS_PER_FRAME METHOD...
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import made_records
import torch
from harness_fakes import Network, fake_build, fake_cost, small_data

from bench.runs.progress import Progress
from bench.runs.records.run import Start
from bench.runs.write import open_run
from bench.sweep.cells import Sweep
from bench.sweep.crew_worker import Kit
from bench.sweep.grid import Grid
from mpvss.sharing import shareable


def sweep(
    out: Path,
    methods: tuple[str, ...],
    dataset=None,
    build=fake_build,
    cost_of=fake_cost,
    intervals=(1, 3),
    backbones=("small", "large"),
    shard=None,
    configured=(),
    **options,
) -> list:
    dataset = dataset or small_data(clips=4)
    grid = Grid(methods, backbones, intervals)
    fields = {"data": dataset.identity, "repeats": 1, "shard": shard and shard.record(dataset), **dict(configured)}
    configuration = made_records.configuration(dataset.class_names, **fields)
    start = Start(command="fake", environment=made_records.ENVIRONMENT)
    return Sweep(
        grid,
        open_run(out, configuration, grid.asked, start),
        Kit(dataset, build, torch.device("cpu")),
        cost_of=cost_of,
        repeats=1,
        progress=Progress(),
        **options,
    ).run_all()


if __name__ == "__main__":
    pause = float(sys.argv[2])
    quick = Network.classes.__wrapped__

    def slow(self, frame):
        time.sleep(pause)
        return quick(self, frame)

    Network.classes = shareable(slow)
    sys.exit(1 if sweep(Path(sys.argv[1]), tuple(sys.argv[3:])) else 0)
