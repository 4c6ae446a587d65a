"""A checkpoint that is not whole, or is none, is told apart before anything of it is used."""

import os
import zipfile

import pytest
import torch

from mpvss.errors import UserError
from mpvss.training.run_state import PARTS, DamagedError, load_state, save_state


def state() -> dict:
    return {name: {} for name in PARTS - {"random"}} | {"model": {"weight": torch.zeros(500_000)}}


def test_what_was_saved_is_loaded(tmp_path):
    save_state(tmp_path / "checkpoint.pt", state())
    assert torch.equal(load_state(tmp_path / "checkpoint.pt")["model"]["weight"], torch.zeros(500_000))


def test_an_archive_that_unpacks_to_more_than_it_is(tmp_path):
    """2 MB of zeros in a few kB: PyTorch never compresses."""
    save_state(tmp_path / "whole.pt", state())
    with (
        zipfile.ZipFile(tmp_path / "whole.pt") as stored,
        zipfile.ZipFile(tmp_path / "checkpoint.pt", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for entry in stored.infolist():
            bomb.writestr(entry.filename, stored.read(entry))
    assert (tmp_path / "checkpoint.pt").stat().st_size < 50_000
    with pytest.raises(DamagedError, match=r"checkpoint\.pt is damaged \(ValueError: it would unpack to 2\d{6} bytes"):
        load_state(tmp_path / "checkpoint.pt")


@pytest.mark.timeout(60)
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "checkpoint.pt")
    with pytest.raises(UserError, match=r"checkpoint\.pt is damaged \(OSError: it is no regular file"):
        load_state(tmp_path / "checkpoint.pt")


@pytest.mark.parametrize("part", ["python", "numpy", "torch"])
def test_random_states_that_are_none(tmp_path, part):
    save_state(tmp_path / "checkpoint.pt", state())
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    content["random"][0][part] = [3, [-1], 0]
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(DamagedError, match=r"checkpoint\.pt is damaged \(its random states are none"):
        load_state(tmp_path / "checkpoint.pt")
