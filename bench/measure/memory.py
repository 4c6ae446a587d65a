"""Peak memory of a piece of work, on the host and on the device."""

from __future__ import annotations

import ctypes
import gc
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")


@dataclass
class PeakMemory:
    """Bytes. `host_peak` is the resident set of the whole process at its highest, `host_before` at the start.

    `source` says what was read: `VmHWM` is of this piece of work alone; `ru_maxrss`, where the system cannot
    reset its mark, is of the process since it began, so an upper bound.
    """

    host_before: int | None = None
    host_peak: int = 0
    source: str = "VmHWM"
    device_peak: int | None = None


@contextmanager
def peak_memory(device: torch.device) -> Iterator[PeakMemory]:
    """Fill in the memory that the block needs; what is already allocated counts as well."""
    peak = PeakMemory()
    _give_back_free_memory()
    if _reset_high_water():
        peak.host_before = _status("VmRSS")
    else:
        peak.source = "ru_maxrss"
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    try:
        yield peak
    finally:
        peak.host_peak = _status("VmHWM") if peak.source == "VmHWM" else _max_rss()
        if device.type == "cuda":
            peak.device_peak = torch.cuda.max_memory_allocated(device)


def _give_back_free_memory() -> None:
    """Return freed pages to the system, so that they are not counted for the work that follows."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
        if trim is not None:
            trim(0)


def _reset_high_water() -> bool:
    try:
        CLEAR_REFS.write_text("5")
        return _status("VmHWM") > 0
    except (OSError, LookupError):
        return False


def _status(name: str) -> int:
    """A field of the process's status, in bytes; LookupError where the system does not tell it."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(f"{STATUS} has no {name}")
    return int(found[1]) * 1024


def _max_rss() -> int:
    import resource

    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest if sys.platform == "darwin" else highest * 1024  # kilobytes everywhere else
