"""Several worker processes: what one finds, they find, whatever becomes of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import fake_workers
import pytest
from fake_sweep import sweep
from harness_fakes import fake_build

from bench.sweep.shard import Shard, divide
from mpvss.errors import UserError

MEASURED = ("accuracy", "clips", "cost", "errors", "weights", "operators")


def cells(run: Path, *fields: str) -> dict[str, object]:
    found = {}
    for file in (run / "cells").iterdir():
        record = json.loads(file.read_text())
        found[file.name] = {name: record.get(name) for name in fields or MEASURED}
    return found


def test_two_workers_find_what_one_process_finds(tmp_path, capfd):
    """Though one of them is killed, and a method fails."""
    lives = tmp_path / "lives"
    lives.write_bytes(b"")
    build = partial(fake_workers.dangerous_build, lives)
    arguments = (("mortal", "refusing", "wander"), fake_workers.data(), build)
    alone = sweep(tmp_path / "one", *arguments, backbones=("small",))
    lives.write_bytes(b"x")
    recipe = partial(fake_workers.dangerous_kit, lives)
    shared = sweep(tmp_path / "two", *arguments, backbones=("small",), workers=2, recipe=recipe)
    assert shared == alone
    assert {key.method for key in shared} == {"refusing"}
    found = cells(tmp_path / "two")
    assert found == cells(tmp_path / "one")
    errors = {cell["errors"].get("accuracy") for cell in found.values()}
    assert errors == {None, "RuntimeError: not this one"}
    said = capfd.readouterr().err
    assert "ended in clip clip2: WorkerError: the process was ended by SIGKILL" in said
    assert said.count("accuracy: 69/69 frames") == 2  # 9 + 12 + 15 + 9 + 18 + 6


@pytest.mark.slow
def test_a_clip_that_kills_two_workers_fails_the_cells(tmp_path, capfd):
    lives = tmp_path / "lives"
    lives.write_bytes(b"xx")
    build = partial(fake_workers.dangerous_build, lives)
    recipe = partial(fake_workers.dangerous_kit, lives)
    arguments = (("mortal", "wander"), fake_workers.data(), build)
    run = tmp_path / "run"
    failed = sweep(run, *arguments, backbones=("small",), only=("accuracy",), workers=2, recipe=recipe)
    assert len(failed) == 4
    for cell in cells(run).values():
        assert "the process was ended by SIGKILL" in cell["errors"]["accuracy"]
        assert cell["accuracy"] is None
    # What the two had finished is kept, and the next start scores the rest.
    assert sweep(run, *arguments, backbones=("small",), only=("accuracy",)) == []


@pytest.mark.slow
def test_bad_input_in_a_worker_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"clip clip3, frame .*must share one size"):
        sweep(tmp_path, ("wander",), fake_workers.data(), workers=2, recipe=fake_workers.unreadable_kit)
    assert not [file for file in tmp_path.rglob(".*") if file.name != ".lease"]


def test_parts_are_balanced_by_frames():
    frames = [24, 40, 12, 31, 55, 23, 31, 40]
    parts = divide(frames, 3)
    assert sorted(position for part in parts for position in part) == list(range(8))
    sums = [sum(frames[position] for position in part) for part in parts]
    assert sum(sums) == 256
    assert max(sums) <= 4 / 3 * 256 / 3  # the bound of the longest-first rule
    assert divide([None, None, None], 2) == [[0, 2], [1]]


@pytest.mark.parametrize("text", ["0/3", "4/3", "2", "a/b", "1/0", "-1/3"])
def test_parts_that_cannot_be_are_refused(text):
    with pytest.raises(UserError, match=f"shard is '{text}'; it must be i/N"):
        Shard.parse(text)


def test_a_part_of_fewer_clips_is_refused():
    with pytest.raises(UserError, match="shard is 1/7, and generated has 6 labelled clips"):
        Shard(1, 7).record(fake_workers.data())


def test_a_missing_part_of_a_cell_is_measured_later(tmp_path):
    arguments = (tmp_path, ("wander",), fake_workers.data(), fake_build)
    sweep(*arguments, backbones=("small",), only=("accuracy",))
    assert {(cell["cost"], cell["timing"]) for cell in cells(tmp_path, "cost", "timing").values()} == {(None, None)}
    sweep(*arguments, backbones=("small",))
    assert all(cell["cost"] and cell["timing"] for cell in cells(tmp_path, "cost", "timing").values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "to_all", "code"), [("SIGINT", True, 130), ("SIGTERM", False, 143), ("SIGTERM", True, 143)]
)
def test_a_signal_ends_all_workers_and_what_is_done_stays(tmp_path, number, to_all, code):
    process, workers = started(tmp_path)
    send = os.killpg if to_all else os.kill  # a terminal and a scheduler signal every process
    send(process.pid, signal.Signals[number])
    _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert said.strip().splitlines()[-1].endswith("; rerun the same command to resume")
    assert "Traceback" not in said
    assert "worker" not in said
    assert not any(is_running(worker) for worker in workers)
    assert clips_of(tmp_path)
    assert not [file for file in tmp_path.rglob(".*") if file.is_file()]


@pytest.mark.slow
def test_workers_end_with_a_sweep_that_is_killed(tmp_path):
    process, workers = started(tmp_path)
    process.kill()
    process.communicate()
    end = time.monotonic() + 60
    while any(is_running(worker) for worker in workers):
        assert time.monotonic() < end, "workers go on"
        time.sleep(0.1)


def started(out: Path) -> tuple[subprocess.Popen, list[int]]:
    """A sweep with two workers that has one clip behind it, and its workers' numbers."""
    data = "generated:clips=30,frames=20,size=96x160"
    command = [sys.executable, "-m", "bench", "sweep", "--data", data, "--workers", "2", "--only", "accuracy"]
    process = subprocess.Popen(
        [*command, "--threads", "2", "--out", str(out)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 120
    while not clips_of(out):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)
    children = map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    workers = [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
    assert len(workers) == 2
    return process, workers


def clips_of(out: Path) -> list[Path]:
    return list(out.glob("partial/*/*.npz"))


def is_running(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
