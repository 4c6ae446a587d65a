"""The machine's measured limits: matrix products, and copies in memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

REPEATS = 5
SIDES = {"cpu": 1024, "cuda": 8192}
COPIED_BYTES = {"cpu": 1 << 27, "cuda": 1 << 30}
"""Larger than any cache."""


@dataclass(frozen=True)
class Ceilings:
    """The best of a few runs in float32, at the current settings of threads and matrix-product precision."""

    macs_per_second: float
    """Rate of a product of two square matrices."""
    bytes_per_second: float
    """Rate of a copy within the device's memory, bytes read plus bytes written."""

    def macs_per_second_at(self, intensity: float) -> float:
        """The most that work of `intensity` MACs per byte can reach: the roof."""
        return min(self.macs_per_second, intensity * self.bytes_per_second)


def measure_ceilings(device: torch.device) -> Ceilings:
    """Measure both; takes about a second."""
    side = SIDES[device.type]
    first, second = (torch.rand(side, side, device=device) for _ in range(2))
    source = torch.ones(COPIED_BYTES[device.type] // 4, device=device)
    target = torch.empty_like(source)
    product = torch.empty_like(first)
    with torch.inference_mode():
        best_product = _best(lambda: torch.mm(first, second, out=product), device)
        best_copy = _best(lambda: target.copy_(source), device)
    return Ceilings(side**3 / best_product, 2 * source.nbytes / best_copy)


def _best(work: Callable[[], Tensor], device: torch.device) -> float:
    """Seconds of the fastest run after one that does not count."""
    seconds = []
    for _ in range(1 + REPEATS):
        _wait(device)
        start = time.perf_counter()
        work()
        _wait(device)
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
