"""One process writes in a folder at a time, and one that is gone does not stand in the way."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from bench.runs import lease
from bench.runs.lease import NAME, Owner, take_lease
from mpvss.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
HOLD = """\
import sys, time
from pathlib import Path
from bench.runs.lease import take_lease
held = take_lease(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def other_process(folder: Path) -> subprocess.Popen:
    """A process that holds the folder's lease."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def plant(folder: Path, **changed) -> Owner:
    owner = msgspec.structs.replace(Owner.this_process(), **changed)
    (folder / NAME).write_bytes(msgspec.json.encode(owner))
    return owner


def test_a_second_writer_is_told_who_writes_and_a_killed_one_is_forgotten(tmp_path):
    process = other_process(tmp_path)
    try:
        with pytest.raises(UserError, match=rf"is being written by process {process.pid} on .*; wait for it to end"):
            take_lease(tmp_path)
    finally:
        process.kill()
        process.wait()
    assert (tmp_path / NAME).exists()
    held = take_lease(tmp_path)
    held.check()
    del held
    assert list(tmp_path.iterdir()) == []


def test_within_a_process_it_is_shared_and_ends_with_the_last_that_holds_it(tmp_path):
    first, second = take_lease(tmp_path), take_lease(tmp_path)
    del first
    second.check()
    del second
    assert not (tmp_path / NAME).exists()


def test_one_that_is_interrupted_as_it_is_taken_leaves_no_file(tmp_path, monkeypatch):
    def interrupted(self, file, owner):
        raise KeyboardInterrupt

    monkeypatch.setattr(lease.Lease, "__init__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        take_lease(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b'{"token": "\xe3"}', b"[" * 4000, b"{}"])
def test_a_damaged_one_is_held_by_somebody_for_a_minute(tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(UserError, match="is being written by another process"):
        take_lease(tmp_path)
    os.utime(tmp_path / NAME, (0, 0))
    take_lease(tmp_path).check()


def test_a_number_that_is_used_again_is_another_process(tmp_path):
    plant(tmp_path, started="1")
    take_lease(tmp_path).check()


@pytest.mark.parametrize(("age", "void"), [(30, False), (90, True)])
def test_a_process_of_another_machine_is_gone_after_a_minute_without_a_touch(age, void, tmp_path):
    owner = plant(tmp_path, host="elsewhere")
    then = time.time() - age
    os.utime(tmp_path / NAME, (then, then))
    if void:
        take_lease(tmp_path).check()
    else:
        with pytest.raises(UserError, match=f"process {owner.process} on elsewhere"):
            take_lease(tmp_path)


def test_a_lease_is_touched_while_it_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "SECONDS_BETWEEN_TOUCHES", 0.01)
    held = take_lease(tmp_path)
    os.utime(tmp_path / NAME, (0, 0))
    deadline = time.monotonic() + 10
    while (tmp_path / NAME).stat().st_mtime == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (tmp_path / NAME).stat().st_mtime > 0
    held.check()


def test_one_that_was_taken_over_writes_no_more_and_leaves_the_other_alone(tmp_path):
    held = take_lease(tmp_path)
    other = plant(tmp_path, token="other")
    with pytest.raises(UserError, match="was taken over by another process"):
        held.check()
    del held
    assert msgspec.json.decode((tmp_path / NAME).read_bytes(), type=Owner) == other


def _try(folder: Path, barrier, taken) -> None:
    barrier.wait()
    try:
        held = take_lease(folder)
    except UserError:
        return
    taken.put(os.getpid())
    time.sleep(0.3)
    held.check()
    del held


@pytest.mark.parametrize("left_behind", [False, True])
def test_of_many_that_start_at_once_one_writes(left_behind, tmp_path):
    context = multiprocessing.get_context("fork")
    for _ in range(5):
        if left_behind:
            plant(tmp_path, started="1")
        barrier, taken = context.Barrier(8), context.Queue()
        processes = [context.Process(target=_try, args=(tmp_path, barrier, taken)) for _ in range(8)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(30)
        assert taken.get(timeout=5) in {process.pid for process in processes}
        assert taken.empty()
        assert [file.name for file in tmp_path.iterdir() if file.name != NAME] == []
        (tmp_path / NAME).unlink(missing_ok=True)
