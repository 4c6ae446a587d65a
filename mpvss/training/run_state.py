"""Checkpoints of an unfinished run: everything the next step depends on, written whole or not at all."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from mpvss.errors import UserError
from mpvss.files import written_whole

NAME = "checkpoint.pt"
PARTS = {"identity", "done", "model", "optimiser", "scaler", "history", "pending", "random"}
"""What a checkpoint holds."""


class DamagedError(UserError):
    """A checkpoint's file is not whole, so that nothing in it can be relied on."""


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write `state`, with the random states of every process; called by all of them, written by the first."""
    mine = _random_states()
    every: list[Any] = [mine]
    if dist.is_initialized():
        every = [None] * dist.get_world_size()
        dist.all_gather_object(every, mine)
        if dist.get_rank():
            return
    with written_whole(path) as file:
        torch.save({**state, "random": every}, file)


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote, and set this process's random states. No code of the file is run.

    Raises:
        DamagedError: the file is not whole, or would unpack to more than it is.
        UserError: the file is no checkpoint of a run, or was written by another number of processes.
    """
    try:
        if not path.is_file():  # a pipe would be waited for
            raise OSError("it is no regular file")
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            if unpacked > path.stat().st_size:  # PyTorch stores, and never compresses
                raise ValueError(f"it would unpack to {unpacked} bytes")
            damaged = archive.testzip()  # PyTorch itself does not look at the check sums
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes fail in too many ways to name
        reason = str(error).partition("\n")[0]
        raise DamagedError(f"{path} is damaged ({type(error).__name__}: {reason})") from error
    if damaged is not None:
        raise DamagedError(f"{path} is damaged (the check sum of {damaged} is wrong)")
    if not isinstance(state, dict) or not state.keys() >= PARTS:
        raise UserError(f"{path} is no checkpoint of a training run; remove it, or choose another folder")
    rank, count = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    if len(state["random"]) != count:
        raise UserError(f"{path} is of {len(state['random'])} processes, and this run has {count}")
    try:
        _set_random_states(state["random"][rank])
    except Exception as error:  # libraries refuse what is no state of theirs in many ways
        raise DamagedError(f"{path} is damaged (its random states are none: {error})") from error
    return state


def _random_states() -> dict[str, Any]:
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 (libraries draw from it)
    version, numbers, gauss = random.getstate()
    return {
        "python": [version, list(numbers), gauss],
        "numpy": [kind, [int(key) for key in keys], *rest],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def _set_random_states(states: dict[str, Any]) -> None:
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers), gauss))
    kind, keys, *rest = states["numpy"]
    np.random.set_state((kind, np.array(keys, np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])
