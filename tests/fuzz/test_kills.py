"""Kills at random moments: the same command goes on from there, and ends with what an undisturbed one ends with.

`FUZZ_KILLS` kills (100) by `FUZZ_SEED` (0), shared among the commands.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
import safetensors.torch

pytestmark = pytest.mark.fuzz

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("FUZZ_KILLS", "100"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
TRAINING = """
[model]
method = "per-frame"
backbone = "nano"
[data]
train = "generated:clips=2,frames=4,size=64x64,seed=1"
validation = "generated:clips=1,frames=3,size=64x64,seed=2"
crop = [64, 64]
[training]
steps = 12
batch = 2
points = 32
log_every = 1
validate_every = 4
checkpoint_every = 1
"""


@dataclass(frozen=True)
class Work:
    """A command.

    Attributes:
        command: its arguments, for a folder that it writes to.
        result: what the folder holds at the end that must not depend on kills.
        share: how many of the kills it gets, of the sum of all.

    """

    command: Callable[[Path], list[str]]
    result: Callable[[Path], Any]
    share: float


def _sweep(out: Path) -> list[str]:
    data = "generated:clips=12,frames=6,size=64x96"
    rest = ["--methods", "per-frame,copy,mpvss", "--intervals", "1,3", "--repeats", "1", "--threads", "1"]
    return ["sweep", "--data", data, *rest, "--out", str(out)]


def _cells(out: Path) -> Any:
    found = {}
    for file in sorted((out / "cells").glob("*.json")):
        cell = json.loads(file.read_text())
        found[file.name] = {
            name: cell.get(name) for name in ("accuracy", "clips", "cost", "errors", "operators", "weights")
        }
    return found


def _merge(out: Path) -> list[str]:
    """The parts are made once."""
    parts = [out.with_name(f"part-{number}") for number in (1, 2)]
    for number, part in enumerate(parts, 1):
        if not part.exists():
            assert _run([*_sweep(part), "--shard", f"{number}/2"]) == 0
    return ["merge", *map(str, parts), "--out", str(out)]


def _train(out: Path) -> list[str]:
    config = out.with_suffix(".toml")
    config.write_text(TRAINING)
    return ["train", str(config), "--threads", "1", "--out", str(out)]


def _weights(out: Path) -> Any:
    record = json.loads((out / "training.json").read_text())
    tensors = safetensors.torch.load_file(out / "model.safetensors")
    return record["finished"], record["steps_done"], {name: tensor.tolist() for name, tensor in tensors.items()}


def _report(out: Path) -> list[str]:
    return ["report", str(ROOT / "results" / "measured"), "--out", str(out)]


def _files(out: Path) -> Any:
    return {str(file.relative_to(out)): file.read_bytes() for file in sorted(out.rglob("*")) if file.is_file()}


WORK = {
    "sweep": Work(_sweep, _cells, 4),
    "merge": Work(_merge, _cells, 1),
    "train": Work(_train, _weights, 4),
    "report": Work(_report, _files, 2),
}


@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", WORK)
def test_a_killed_command_goes_on_to_the_same_end(name, tmp_path):
    work, random = WORK[name], Random(f"{SEED} {name}")
    kills = max(1, round(KILLS * work.share / sum(work.share for work in WORK.values())))
    begun = time.monotonic()
    assert _run(work.command(tmp_path / "undisturbed")) == 0
    seconds = time.monotonic() - begun
    expected = work.result(tmp_path / "undisturbed")
    done = 0
    while done < kills:
        out = tmp_path / "disturbed"
        shutil.rmtree(out, ignore_errors=True)
        for _ in range(4):  # the same folder, killed again and again
            if _run(work.command(out), kill_after=random.uniform(0, 1.1) * seconds) == 0:
                break
            done += 1
            _check_whole(out)
        assert _run(work.command(out)) == 0
        assert work.result(out) == expected
        assert [file.name for file in out.rglob(".*") if file.is_file()] == []
    print(f"{name}: {done} kills; undisturbed it takes {seconds:.1f} s")


def _run(arguments: list[str], kill_after: float | None = None) -> int:
    """The exit status of a command; negative where it was killed."""
    command = [sys.executable, "-m", "bench", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    output = None if kill_after is None else subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=output)
    try:
        return process.wait(kill_after)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _check_whole(out: Path) -> None:
    """Every file that does not say that it is unfinished can be read."""
    for file in out.rglob("*.json"):
        if not file.name.startswith("."):
            json.loads(file.read_text())
    for file in out.rglob("*.safetensors"):
        if not file.name.startswith("."):
            safetensors.torch.load_file(file)
