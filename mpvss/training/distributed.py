"""Several processes of one run, as `torchrun` starts them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from mpvss.errors import UserError

Item = TypeVar("Item")
PATIENCE = timedelta(hours=6)
"""The longest that processes wait for one another: clips that are validated on differ in length."""


@dataclass(frozen=True)
class Process:
    """One process among those of its run, and its device."""

    rank: int
    count: int
    device: torch.device

    def share(self, batch: int) -> range:
        """The indices of this process's clips in a batch; UserError where the batch does not divide evenly."""
        if batch % self.count:
            raise UserError(f"a batch of {batch} does not divide among {self.count} processes")
        each = batch // self.count
        return range(self.rank * each, (self.rank + 1) * each)

    def wait(self) -> None:
        """Until all processes of the run have come here."""
        if self.count > 1:
            dist.barrier()


@contextmanager
def joined_processes(device: torch.device) -> Iterator[Process]:
    """Join the processes that `torchrun` names in the environment; alone where it did not start this one.

    On `cuda` each takes the GPU of its local rank, and they speak NCCL; on the CPU, Gloo.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Process(0, 1, device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield Process(dist.get_rank(), dist.get_world_size(), device)
    finally:
        dist.destroy_process_group()


@torch.no_grad()
def mean_over_processes(value: Tensor) -> Tensor:
    """The mean of each process's `value`; the value itself where there is one process."""
    return sum_over_processes(value) / dist.get_world_size() if dist.is_initialized() else value


@torch.no_grad()
def sum_over_processes(value: Tensor) -> Tensor:
    """The sum of each process's `value`, on its device; exact for whole numbers, and where all but one give zero."""
    total = value.clone()
    if dist.is_initialized():
        dist.all_reduce(total)
    return total


def share_of(items: Sequence[Item]) -> list[tuple[int, Item]]:
    """Every item of a list with its place in it, the present process's share of them; all where it is alone."""
    rank, count = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    return list(enumerate(items))[rank::count]


@torch.no_grad()
def take_buffers_of_first(module: nn.Module) -> None:
    """Give every process the buffers of the first one, as running means, which each has from its own batches."""
    if dist.is_initialized():
        for buffer in module.buffers():
            dist.broadcast(buffer, 0)
