"""The device and the CPU threads that methods run on."""

from __future__ import annotations

import torch

from mpvss.errors import UserError


def select_device(name: str) -> torch.device:
    """The device of that name, `cpu` or `cuda`.

    Raises:
        UserError: there is no such device here.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device cuda: no CUDA device is available here; use device cpu")
    return torch.device(name)


def set_threads(count: int | None) -> None:
    """Let torch use `count` CPU threads; None leaves its own choice.

    Raises:
        UserError: a count below 1.
    """
    if count is not None:
        if count < 1:
            raise UserError(f"threads is {count}; it must be 1 or more")
        torch.set_num_threads(count)
