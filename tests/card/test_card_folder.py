"""A card's folder: it resumes, refuses what does not belong, and survives being cut off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from made_card import START, configuration, make, row_cell, timing

from bench.runs.card_folder import open_card_folder, read_card
from bench.runs.lease import NAME as LEASE
from bench.runs.records.card import CardCell, cell_file
from mpvss.errors import UserError
from mpvss.files import UNFINISHED

ROOT = Path(__file__).resolve().parents[2]


def test_a_second_start_keeps_the_cells_and_is_recorded(tmp_path):
    first = make(tmp_path / "card")
    again = open_card_folder(tmp_path / "card", configuration(), START)
    assert (first.start, again.start) == (0, 1)
    assert again.load(cell_file("fps", "table-1--MPVSS--R50")) == row_cell(
        "1", "MPVSS", "R50", timing(50.0, 40.0, 15.0, energy_key_j=9.5, energy_non_key_j=4.25)
    )
    assert again.load(cell_file("fps", "table-9")) is None
    card = read_card(tmp_path / "card")
    assert [cell.part for cell in card.cells] == [
        *["labels"],
        *["fps"] * 4,
        *["modes"] * 2,
        *["peer", "profile", "prediction"],
    ]
    assert card.good("peer") == []


def test_another_card_or_size_is_refused(tmp_path):
    make(tmp_path / "card")
    with pytest.raises(UserError, match="device: 'NVIDIA Made 100' there, 'other' now"):
        open_card_folder(tmp_path / "card", configuration(device="other"), START)
    with pytest.raises(UserError, match=r"size: None there, \[96, 160\] now"):
        open_card_folder(tmp_path / "card", configuration(size=[96, 160]), START)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "file").touch()
    with pytest.raises(UserError, match="is not a folder of this command"):
        open_card_folder(tmp_path / "notes", configuration(), START)
    with pytest.raises(UserError, match=r"has no card\.json"):
        read_card(tmp_path / "notes")


def test_one_process_writes_at_a_time(tmp_path):
    make(tmp_path / "card")
    program = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from pathlib import Path\n"
        "from made_card import START, configuration\n"
        "from bench.runs.card_folder import open_card_folder\n"
        f"folder = open_card_folder(Path({str(tmp_path / 'card')!r}), configuration(), START)\n"
        "print('taken', flush=True); input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "taken\n"
        with pytest.raises(UserError, match=f"process {other.pid} "):
            open_card_folder(tmp_path / "card", configuration(), START)
        other.kill()
        other.wait()
        assert open_card_folder(tmp_path / "card", configuration(), START).start == 2


def test_what_a_kill_left_behind_is_removed(tmp_path):
    """A file being written, and a profile's folder that was not yet in its place."""
    path = make(tmp_path / "card").path
    (path / "cells" / f".fps--x.json.abc{UNFINISHED}").write_text("{")
    (path / ".profile-mpvss-r50.abc").mkdir()
    (path / ".profile-mpvss-r50.abc" / "new").touch()
    open_card_folder(path, configuration(), START)
    assert not [file for file in path.rglob("*") if file.name.startswith(".") and file.name != LEASE]
    # A kill before card.json stood there leaves a folder with such a file alone.
    (tmp_path / "begun" / "cells").mkdir(parents=True)
    (tmp_path / "begun" / f".card.json.abc{UNFINISHED}").touch()
    assert open_card_folder(tmp_path / "begun", configuration(), START).start == 0


def test_a_cell_has_a_measurement_or_an_error():
    with pytest.raises(ValueError, match="a measurement or an `error`"):
        CardCell(part="labels", name="x", start=0, seconds=0.0)
