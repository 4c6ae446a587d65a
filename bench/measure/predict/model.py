"""The time of a frame on a device, from its kernels and five numbers.

A kernel computes and moves at the same time, and the host starts the next meanwhile. So each takes the longest of
three: its arithmetic at a share of the device's most, which depends on its kind; its bytes at a share of the bandwidth;
and the time in which the host starts it. NOT in it: kernels too small to fill the device, caches, clocks, and copies
between host and device.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from bench.measure.predict.devices import Device, Precision
from bench.measure.predict.kernels import Kernels

_BYTES = {"float32": 1.0, "tf32": 1.0, "float16": 0.5}
"""Size of a number, against float32."""


@dataclass(frozen=True)
class Rates:
    """What is fitted: how near kernels come to what a data sheet says."""

    launch: float
    """Seconds that the host takes to start a kernel."""
    convolution: float
    """Share of the most arithmetic, as of the next two kinds."""
    product: float
    attention: float
    memory: float
    """Share of the bandwidth."""

    def as_array(self) -> np.ndarray:
        """The five numbers."""
        return np.array(astuple(self))


def seconds(kernels: Kernels, device: Device, rates: Rates, precision: Precision = "float32") -> float:
    """The predicted time of a frame."""
    shares = np.array([rates.convolution, rates.product, rates.attention, np.inf])[kernels.kinds]
    computing = kernels.macs / (device.macs_per_second(precision) * shares)
    moving = kernels.bytes * _BYTES[precision] / (device.bytes_per_second() * rates.memory)
    launch = rates.launch if device.launch_us is None else device.launch_us * 1e-6
    return float(np.maximum(np.maximum(computing, moving), launch).sum())
