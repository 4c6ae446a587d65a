"""Kills at random moments: the same command goes on from there, and ends with what an undisturbed one ends with.

`FUZZ_KILLS` kills (100) by `FUZZ_SEED` (0), shared among the commands; half are SIGKILL and half SIGTERM.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
import safetensors.torch

pytestmark = pytest.mark.fuzz

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = Path(__file__).with_name("commands.py")
KILLS = int(os.environ.get("FUZZ_KILLS", "100"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
TERMINATED = 143
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


class Commands:
    """A process that runs commands, see `commands.py`."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, str(COMMANDS)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def run(self, arguments: list[str], kill_after: float | None = None, by: int = signal.SIGKILL) -> int:
        """The exit status of a command, which a signal ends after so many seconds; negative where that killed it."""
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(arguments).encode() + b"\n")
        process = self._answer()
        if kill_after is not None:
            assert self._server.stdout is not None
            ended, _, _ = select.select([self._server.stdout], [], [], kill_after)
            if not ended:
                os.kill(process, by)
        return self._answer()

    def _answer(self) -> int:
        assert self._server.stdout is not None
        return int(self._server.stdout.readline())

    def end(self) -> None:
        for stream in (self._server.stdin, self._server.stdout):
            assert stream is not None
            stream.close()
        self._server.wait()


@pytest.fixture(scope="module")
def commands():
    made = Commands()
    yield made
    made.end()


def _sweep(out: Path) -> list[str]:
    data = "generated:clips=8,frames=4,size=64x64"
    rest = ["--methods", "copy,mpvss", "--backbones", "nano", "--intervals", "1,3", "--repeats", "1"]
    return ["sweep", "--data", data, *rest, "--threads", "1", "--out", str(out)]


def _cells(out: Path) -> Any:
    found = {}
    for file in sorted((out / "cells").glob("*.json")):
        cell = json.loads(file.read_text())
        found[file.name] = {
            name: cell.get(name) for name in ("accuracy", "clips", "cost", "errors", "operators", "weights", "status")
        }
    return found


def _merge(out: Path) -> list[str]:
    return ["merge", *(str(out.with_name(f"part-{number}")) for number in (1, 2)), "--out", str(out)]


def _train(out: Path) -> list[str]:
    config = out.with_suffix(".toml")
    config.write_text(TRAINING)
    return ["train", str(config), "--threads", "1", "--out", str(out)]


def _weights(out: Path) -> Any:
    record = json.loads((out / "training.json").read_text())
    return record["finished"], record["steps_done"], (out / "model.safetensors").read_bytes()


def _report(out: Path) -> list[str]:
    return ["report", str(ROOT / "results" / "measured" / "small-speed"), "--out", str(out)]


def _files(out: Path) -> Any:
    return {str(file.relative_to(out)): file.read_bytes() for file in sorted(out.rglob("*")) if file.is_file()}


WORK = {
    "sweep": Work(_sweep, _cells, 3),
    "merge": Work(_merge, _cells, 2),
    "train": Work(_train, _weights, 3),
    "report": Work(_report, _files, 2),
}


@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", WORK)
def test_a_killed_command_goes_on_to_the_same_end(name, commands, tmp_path):
    work, random = WORK[name], Random(f"{SEED} {name}")
    kills = round(KILLS * work.share / sum(work.share for work in WORK.values()))
    if name == "merge":
        for number in (1, 2):
            assert commands.run([*_sweep(tmp_path / f"part-{number}"), "--shard", f"{number}/2"]) == 0
    out = tmp_path / "out"
    begun = time.monotonic()
    assert commands.run(work.command(out)) == 0
    seconds = time.monotonic() - begun
    expected = work.result(out)
    ends: Counter[str] = Counter()
    while ends["SIGKILL"] + ends["SIGTERM"] < kills:
        shutil.rmtree(out)
        for _ in range(4):  # the same folder, killed again and again
            by = random.choice((signal.SIGKILL, signal.SIGTERM))
            status = commands.run(work.command(out), random.uniform(0, 1.05) * seconds, by)
            if status == 0:
                ends["too late"] += 1
                break
            ends[by.name] += 1
            assert status in ((-signal.SIGKILL,) if by == signal.SIGKILL else (TERMINATED, -signal.SIGTERM))
            _check_whole(out)
            if status == TERMINATED:
                assert _unfinished(out) == []
        assert commands.run(work.command(out)) == 0
        ends["resumed"] += 1
        assert work.result(out) == expected
        assert _unfinished(out) == []
    print(f"{name}: {dict(ends)}; undisturbed it takes {seconds:.1f} s")


def _unfinished(out: Path) -> list[str]:
    """Temporary files, and leases."""
    return [file.name for file in out.rglob(".*") if file.is_file()]


def _check_whole(out: Path) -> None:
    """Every file that does not say that it is unfinished can be read."""
    for file in out.rglob("*.json"):
        if not file.name.startswith("."):
            json.loads(file.read_text())
    for file in out.rglob("*.safetensors"):
        if not file.name.startswith("."):
            safetensors.torch.load_file(file)
