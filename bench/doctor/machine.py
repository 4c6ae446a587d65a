"""Processor, memory, cards and free space."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import torch

from bench.doctor.finding import Finding
from bench.measure.environment import cpu_name
from bench.measure.time.guard import open_card

GIB = 2**30
ENOUGH = 2 * GIB
"""Free bytes that a run with pictures, or a training with its checkpoints, stays under."""


def machine(folder: Path) -> Iterator[Finding]:
    """The processor, each CUDA device with what can be read of it, and the free space where results go."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    capability = torch.backends.cpu.get_cpu_capability()
    yield Finding("Machine", "processor", "yes", f"{cpu_name()}, {cores} cores for this process, {capability}")
    yield from cards()
    yield free_space(folder)


def cards() -> Iterator[Finding]:
    """Every CUDA device that torch can use."""
    if not torch.cuda.is_available():
        why = "this torch is built without CUDA" if torch.version.cuda is None else "torch finds no CUDA device"
        yield Finding("Machine", "CUDA", "no", why, "commands run with --device cpu")
        return
    for index in range(torch.cuda.device_count()):
        device = torch.device("cuda", index)
        properties = torch.cuda.get_device_properties(device)
        detail = f"{properties.name}, {properties.total_memory / GIB:.0f} GiB, CUDA {torch.version.cuda}"
        yield Finding("Machine", f"cuda:{index}", "yes", detail)
        card = open_card(device)
        for what, read in (("clocks", card and card.read), ("energy", card and card.energy)):
            can = card is not None and read is not None and card.can(read)
            detail = "can be read" if can else "cannot be read, so that runs do not record it"
            yield Finding("Machine", f"cuda:{index} {what}", "yes" if can else "no", detail)


def free_space(folder: Path) -> Finding:
    """The free bytes of the file system that `folder` is, or will be, on."""
    there = folder.resolve()
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    state = "yes" if free >= ENOUGH else "no"
    return Finding(
        "Machine", "free space", state, f"{free / GIB:.1f} GiB at {there}", f"{ENOUGH / GIB:.0f} GiB is enough"
    )
