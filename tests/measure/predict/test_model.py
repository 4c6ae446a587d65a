"""Predicted times by arithmetic, and the fit on times that the model itself makes."""

from dataclasses import astuple, replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bench.measure.count.calls import recorded_calls
from bench.measure.predict.devices import Device
from bench.measure.predict.fit import MOST, Speed, fit
from bench.measure.predict.kernels import KINDS, Kernels, kernels_of
from bench.measure.predict.model import Rates, seconds

DEVICE = Device(name="a device", bandwidth=100.0, source="made up", float32=2.0, float16=8.0)  # 1 TMAC/s in float32
RATES = Rates(launch=10e-6, convolution=0.5, product=0.8, attention=0.25, memory=0.4)


def on_meta(*shape: int) -> torch.Tensor:
    return torch.empty(shape, device="meta")


def kernels(*rows: tuple[str, float, float]) -> Kernels:
    """Kernels of (kind, MACs, bytes)."""
    kinds, macs, moved = zip(*rows, strict=True)
    return Kernels(np.array([KINDS.index(kind) for kind in kinds]), np.array(macs), np.array(moved))


@pytest.mark.parametrize(
    ("kind", "macs", "moved", "expected"),
    [
        ("convolution", 1e9, 1e3, 1e9 / 0.5e12),
        ("product", 1e9, 1e3, 1e9 / 0.8e12),
        ("attention", 1e9, 1e3, 1e9 / 0.25e12),
        ("memory", 1e9, 1e8, 1e8 / 40e9),  # arithmetic of such kernels is not what they wait for
        ("product", 1e6, 1e8, 1e8 / 40e9),
        ("product", 1.0, 4.0, 10e-6),
    ],
)
def test_a_kernel_takes_the_longest_of_three(kind, macs, moved, expected):
    assert seconds(kernels((kind, macs, moved)), DEVICE, RATES) == pytest.approx(expected)


def test_kernels_run_one_after_the_other():
    rows = [("product", 1e9, 1e3), ("memory", 0.0, 1e8), ("memory", 0.0, 4.0)]
    parts = [seconds(kernels(row), DEVICE, RATES) for row in rows]
    assert seconds(kernels(*rows), DEVICE, RATES) == pytest.approx(sum(parts))


def test_half_precision_has_its_own_peak_and_half_the_bytes():
    assert seconds(kernels(("product", 1e9, 1e3)), DEVICE, RATES, "float16") == pytest.approx(1e9 / 3.2e12)
    assert seconds(kernels(("memory", 0.0, 1e8)), DEVICE, RATES, "float16") == pytest.approx(0.5e8 / 40e9)


def test_a_device_may_say_what_a_launch_takes_on_it():
    slow = replace(DEVICE, launch_us=50.0)
    assert seconds(kernels(("memory", 0.0, 4.0)), slow, RATES) == pytest.approx(50e-6)


def test_kernels_of_calls():
    with torch.no_grad(), recorded_calls("rest") as recorded:
        x = on_meta(1, 4, 10, 12)
        x = F.conv2d(x, on_meta(8, 4, 3, 3), padding=1)
        x = F.conv2d(x, on_meta(6, 8, 3, 3), padding=1, stride=2).relu()
        x = x.flatten(2)[0]
        x = x @ on_meta(30, 7)
        x[None] @ on_meta(1, 7, 5)
    found = kernels_of(recorded.calls)
    assert [KINDS[kind] for kind in found.kinds] == ["convolution", "convolution", "memory", "product", "attention"]
    direct = 10 * 12 * 8 * 4 * 9
    # 4x4 products make 2x2 outputs, for which the direct algorithm takes 36.
    assert found.macs.tolist() == pytest.approx([direct * 16 / 36, 30 * 6 * 8 * 9, 0, 6 * 30 * 7, 6 * 7 * 5])
    assert found.bytes[0] == 4 * (4 * 10 * 12 + 8 * 4 * 9 + 8 * 10 * 12)


def random_speed(draw: np.random.Generator, interval: int) -> Speed:
    def frame() -> Kernels:
        count = 200
        return Kernels(draw.integers(0, 4, count), 10 ** draw.uniform(5, 8, count), 10 ** draw.uniform(3, 7, count))

    return Speed(frame(), frame(), interval)


def test_mean_over_a_clip():
    draw = np.random.default_rng(0)
    speed = random_speed(draw, 5)
    key, non_key = (seconds(x, DEVICE, RATES) for x in (speed.key, speed.non_key))
    assert speed.seconds(DEVICE, RATES) == pytest.approx((3 * key + 12 * non_key) / 15)
    assert replace(speed, interval=1).seconds(DEVICE, RATES) == pytest.approx(key)


def test_the_fit_finds_the_numbers_that_made_the_times():
    draw = np.random.default_rng(1)
    speeds = [random_speed(draw, interval) for interval in (1, 5) * 20]
    found = fit(speeds, [speed.seconds(DEVICE, RATES) for speed in speeds], DEVICE)
    assert astuple(found) == pytest.approx(astuple(RATES), rel=0.35)  # few kernels wait for the launch
    times = [speed.seconds(DEVICE, found) / speed.seconds(DEVICE, RATES) for speed in speeds]
    assert times == pytest.approx([1] * len(times), rel=0.02)


def test_no_share_of_a_data_sheet_is_over_one():
    """Times a tenth of what is possible cannot be fitted."""
    speed = Speed(kernels(("product", 1e12, 1e3)), kernels(("product", 1e12, 1e3)))
    found = fit([speed], [0.1], DEVICE)
    assert found.product == pytest.approx(MOST.product)
    assert speed.seconds(DEVICE, found) == pytest.approx(1.0, rel=1e-3)


def test_nothing_to_fit_to_is_refused():
    with pytest.raises(ValueError, match="no time to fit to"):
        fit([], [], DEVICE)
