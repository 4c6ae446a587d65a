"""The five numbers of the model, fitted to times that are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from bench.evaluate.schedule import FixedInterval
from bench.measure.predict.devices import Device, Precision
from bench.measure.predict.kernels import Kernels
from bench.measure.predict.model import Rates, seconds
from mpvss.errors import UserError

EXPECTED = Rates(launch=20e-6, convolution=0.7, product=0.7, attention=0.3, memory=0.6)
"""Before anything is known: what an eager framework's kernels usually come to."""
SPREAD = 1.5
"""The factor by which one of the five is expected to be off."""
ERROR = 0.03
"""The share by which a predicted time is expected to be off."""
LEAST, MOST = Rates(1e-6, 0.01, 0.01, 0.01, 0.01), Rates(35e-6, 1.0, 1.0, 1.0, 1.0)
"""No kernel computes or moves more than the data sheet says, and no eager framework takes longer to start one.

Times of large frames say little of the launch, which the device's work hides: what is expected of it, and this bound,
are then what holds it.
"""


@dataclass(frozen=True)
class Speed:
    """Frames of a method, and how often each kind of them comes."""

    key: Kernels
    non_key: Kernels
    interval: int = 1
    clip_length: int = 15

    def seconds(self, device: Device, rates: Rates, precision: Precision = "float32") -> float:
        """The predicted time of a frame, averaged over a clip."""
        keys = FixedInterval(self.interval).count_keys(self.clip_length)
        key = seconds(self.key, device, rates, precision)
        if keys == self.clip_length:
            return key
        non_key = seconds(self.non_key, device, rates, precision)
        return (keys * key + (self.clip_length - keys) * non_key) / self.clip_length


def fit(
    speeds: Sequence[Speed],
    known: Sequence[float],
    device: Device,
    precision: Precision = "float32",
    expected: Rates = EXPECTED,
) -> Rates:
    """The likeliest numbers, given the `known` seconds of a frame of each of the `speeds`.

    Errors of times are normal in their shares, and what is expected of the numbers in their logarithms.

    Raises:
        UserError: there is nothing to fit to.
    """
    if not speeds:
        raise UserError("there is no time to fit to; give one or more")
    seen, start = np.array(known), np.log(expected.as_array())

    def errors(logs: np.ndarray) -> np.ndarray:
        rates = Rates(*np.exp(logs))
        predicted = np.array([speed.seconds(device, rates, precision) for speed in speeds])
        return np.append((predicted / seen - 1) / ERROR, (logs - start) / np.log(SPREAD))

    bounds = (np.log(LEAST.as_array()), np.log(MOST.as_array()))
    return Rates(*np.exp(least_squares(errors, start, bounds=bounds).x))
