"""Files are whole or not there, and their names stay where they belong."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.runs.files import file_name, make_folder, read_bytes, remove_unfinished, write_atomically, write_json
from bench.runs.records.cell import CellKey
from mpvss.errors import UserError
from mpvss.files import written_whole


def test_a_write_that_is_cut_off_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "cell.json"
    write_atomically(file, b"old")

    def fail(handle):
        raise OSError("disk full")

    monkeypatch.setattr("mpvss.files.os.fsync", fail)
    with pytest.raises(UserError, match=r"cell\.json cannot be written: disk full"):
        write_atomically(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_files_that_cannot_be_read_or_written_are_named(tmp_path):
    with pytest.raises(UserError, match="nowhere cannot be read: No such file"):
        read_bytes(tmp_path / "nowhere")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_bytes(tmp_path)
    (tmp_path / "large").write_bytes(b"12345")
    assert read_bytes(tmp_path / "large", most=5) == b"12345"
    with pytest.raises(UserError, match="large has 5 bytes; a file of its kind has at most 4"):
        read_bytes(tmp_path / "large", most=4)
    with pytest.raises(UserError, match=r"x\.json cannot be written: No such file"):
        write_json(tmp_path / "nowhere" / "x.json", {})
    with pytest.raises(UserError, match="large cannot be made: "):
        make_folder(tmp_path / "large")


def test_lists_of_numbers_stand_on_one_line_and_text_is_left_alone(tmp_path):
    text = "a list [1,  2] and\n[\n3,\n4]"
    write_json(tmp_path / "x.json", {"text": text, "ious": [0.5, None, 1]})
    content = (tmp_path / "x.json").read_text()
    assert '"ious": [0.5, null, 1]' in content
    assert json.loads(content)["text"] == text
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"miou": float("nan")})
    assert (tmp_path / "x.json").read_text() == content


def test_names_that_are_no_file_names_are_quoted():
    name = CellKey("hf:org/model", "mpvss", 5).file_name
    assert Path(name).name == name
    assert name != CellKey("hf:org-model", "mpvss", 5).file_name


@pytest.mark.parametrize("name", [".", "..", "../..", "/", "a/../b", "", "é" * 400, "x" * 300])
def test_a_name_is_one_component_of_a_path(tmp_path, name):
    path = tmp_path / f"{file_name(name)}.npz"
    write_atomically(path, b"")
    assert path.resolve().parent == tmp_path.resolve()
    assert not file_name(name).startswith(".")


def test_long_names_stay_apart():
    assert file_name("x" * 300) != file_name("x" * 301)


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    file = tmp_path / "checkpoint.pt"
    with written_whole(file) as first, written_whole(file) as second:
        first.write(b"first")
        second.write(b"second")
    assert file.read_bytes() == b"first"  # the outer block ends last
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_disk_names_the_file_and_the_space(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mpvss.files.os.fsync", full)
    with pytest.raises(UserError, match=r"cell\.json cannot be written: No space left on device; [0-9.]+ MiB are free"):
        write_atomically(tmp_path / "cell.json", b"new")
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_left_of_a_file_is_removed_when_it_is_written_again(tmp_path):
    file, others = tmp_path / "a [1].mp4", tmp_path / ".b.mp4.abc123.part"
    others.touch()
    script = "import os, sys, pathlib; from mpvss.files import written_whole\n"
    script += "with written_whole(pathlib.Path(sys.argv[1])) as file: os.kill(os.getpid(), 9)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    subprocess.run([sys.executable, "-c", script, str(file)], env=environment, check=False)
    assert len(list(tmp_path.glob(".a*.part"))) == 1
    with written_whole(file) as first:
        first.write(b"first")
        write_atomically(file, b"second")  # leaves the one that is being written alone
    assert file.read_bytes() == b"first"
    assert sorted(tmp_path.iterdir()) == [others, file]


def test_what_a_kill_left_unfinished_is_removed_and_nothing_else(tmp_path):
    kept = [tmp_path / name for name in ("run.json", ".hidden", "notes.part")]
    for file in (*kept, tmp_path / ".run.json.abc123.part"):
        file.write_text("x")
    remove_unfinished(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "cell.json")
    with pytest.raises(UserError, match=r"cell\.json is no regular file"):
        read_bytes(tmp_path / "cell.json")
