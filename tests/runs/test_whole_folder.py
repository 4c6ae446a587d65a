"""A folder is written whole: its path holds all of the old files or all of the new ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.runs.lease import NAME
from bench.runs.whole_folder import folder_written_whole
from mpvss.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
KILLED = """\
import os, signal, sys
from pathlib import Path
from bench.runs import whole_folder
path, moment = Path(sys.argv[1]), sys.argv[2]
rename = Path.rename
def rename_and_die(self, target):
    rename(self, target)
    os.kill(os.getpid(), signal.SIGKILL)
if moment == "between":
    Path.rename = rename_and_die
with whole_folder.folder_written_whole(path) as new:
    (new / "file").write_text("new")
    if moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
"""


def content(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def write(path: Path, text: str) -> None:
    with folder_written_whole(path) as new:
        (new / "file").write_text(text)


def test_it_takes_the_place_of_the_earlier_one(tmp_path):
    write(tmp_path / "above" / "row", "old")
    (tmp_path / "above" / "row" / "other").touch()
    write(tmp_path / "above" / "row", "new")
    assert content(tmp_path / "above" / "row") == {"file": "new"}
    assert [path.name for path in (tmp_path / "above").iterdir()] == ["row"]


def test_a_failure_leaves_the_old_one(tmp_path):
    write(tmp_path / "row", "old")
    with pytest.raises(ZeroDivisionError), folder_written_whole(tmp_path / "row") as new:
        (new / "file").write_text(str(1 / 0))
    with pytest.raises(UserError, match=r"row cannot be written: No such file"), folder_written_whole(tmp_path / "row"):
        (tmp_path / "none").rename(tmp_path / "nowhere")
    assert content(tmp_path / "row") == {"file": "old"}
    assert [path.name for path in tmp_path.iterdir()] == ["row"]


def killed(path: Path, moment: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    status = subprocess.run([sys.executable, "-c", KILLED, str(path), moment], env=environment, check=False).returncode
    assert status == -signal.SIGKILL


@pytest.mark.parametrize("moment", ["before", "between"])
def test_what_a_kill_left_is_removed_by_the_next_start_and_the_old_folder_stays(tmp_path, moment):
    path = tmp_path / "a [row]"  # no pattern of names
    write(path, "old")
    killed(path, moment)
    assert path.exists() == (moment == "before")
    assert len(list(tmp_path.glob(".*.part"))) == 1
    with pytest.raises(RuntimeError), folder_written_whole(path):
        raise RuntimeError
    assert content(path) == {"file": "old"}
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_another_process_is_writing_is_left_alone(tmp_path):
    with folder_written_whole(tmp_path / "row") as new:
        (new / "file").write_text("mine")
        (lease,) = tmp_path.glob(f".row.*/{NAME}")
        script = "import sys, pathlib; from bench.runs.whole_folder import folder_written_whole\n"
        script += "with folder_written_whole(pathlib.Path(sys.argv[1])) as new: (new / 'file').write_text('theirs')"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", script, str(tmp_path / "row")], env=environment, check=True)
        assert content(tmp_path / "row") == {"file": "theirs"}
        assert lease.exists()
    assert content(tmp_path / "row") == {"file": "mine"}
