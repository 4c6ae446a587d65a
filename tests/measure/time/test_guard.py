"""What the card did is read around every pass, and joules come from windows that are long enough."""

from __future__ import annotations

import math
import sys
from types import SimpleNamespace

import pytest
import torch
from harness_fakes import Network, Wandering, as_frames, small_data
from msgspec import structs

from bench.measure.time import methods as latency
from bench.measure.time.energy import Meter, counter_period
from bench.measure.time.guard import Card, open_card, warnings_of
from bench.measure.time.methods import Plan, TimedClip, time_methods
from bench.measure.time.record import timing_record
from bench.measure.time.stopping import FixedRounds

FRAMES = as_frames(small_data(clips=1, frames=6))
CLIP = TimedClip(FRAMES, lambda: FRAMES)


class FakeError(Exception):
    pass


class FakeNvml:
    """NVML of one card; `reasons` are the throttle reasons of successive readings."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0
    NVMLError = FakeError

    def __init__(self, reasons=(), processes=1):
        self.reasons = list(reasons)
        self.processes = processes

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle):  # noqa: N802
        return self.reasons.pop(0) if self.reasons else 0x1  # idle: no slowing down

    def nvmlDeviceGetClockInfo(self, handle, clock):  # noqa: N802
        return {1: 1980, 2: 2619}[clock]

    def nvmlDeviceGetTemperature(self, handle, sensor):  # noqa: N802
        return 41

    def nvmlDeviceGetPowerUsage(self, handle):  # noqa: N802
        return 350_500  # milliwatts

    def nvmlDeviceGetComputeRunningProcesses(self, handle):  # noqa: N802
        return [SimpleNamespace(pid=1)] * self.processes

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):  # noqa: N802
        raise FakeError("not supported")


def timed(monkeypatch, nvml, **plan):
    monkeypatch.setattr(latency, "open_card", lambda device: Card(nvml, None))
    return time_methods({"wander": Wandering(Network())}, CLIP, Plan(rule=FixedRounds(3), **plan))[0]["wander"]


def test_samples_of_a_throttled_pass_are_flagged_and_the_run_says_so(monkeypatch):
    # Two readings a pass: the warm-up's, then those of three rounds, of which the second ends hot.
    timing = timed(monkeypatch, FakeNvml([0, 0, 0, 0, 0, 0x40 | 0x4, 0, 0x2], processes=3))
    flags = {(s.round, s.throttled) for s in timing.times["labels"].samples}
    assert flags == {(0, False), (1, True), (2, False)}
    record = timing_record(timing, 5, (1 / 30,))
    assert record.samples["labels"].throttled == [False] * 6 + [True] * 6 + [False] * 6
    assert record.throttled_share == 1 / 4
    summary = record.guard
    assert summary.throttle_reasons == ["hardware thermal slowdown", "power cap"]
    assert (summary.sm_clock_mhz, summary.temperature_c, summary.power_w) == ([1980, 1980], 41, 350.5)
    assert len(summary.readings) == 8
    assert warnings_of(structs.asdict(summary)) == [
        "the card was slowed down in 25 % of passes (hardware thermal slowdown, power cap)",
        "up to 2 other processes were on the card",
    ]


def test_a_quiet_card_gives_no_warning_and_no_energy_without_a_counter(monkeypatch):
    timing = timed(monkeypatch, FakeNvml(), energy=True)
    assert timing.guard is not None
    assert warnings_of(dict(timing.guard)) == []
    assert timing.energy is None


def test_without_a_card_nothing_is_read(monkeypatch):
    assert open_card(torch.device("cpu")) is None
    timing = time_methods({"wander": Wandering(Network())}, CLIP, Plan(rule=FixedRounds(1), energy=True))[0]["wander"]
    assert (timing.guard, timing.energy) == (None, None)


def test_a_card_that_the_library_cannot_reach_is_none(monkeypatch):
    def fail():
        raise FakeError("driver not loaded")

    monkeypatch.setitem(sys.modules, "pynvml", SimpleNamespace(nvmlInit=fail, NVMLError=FakeError))
    assert open_card(torch.device("cuda")) is None


class FakeTime:
    """A clock that work and pauses move, and a 200 W card whose counter is brought up to date every 100 ms."""

    def __init__(self, period=0.1):
        self.now = 0.0
        self.period = period

    def pass_(self, seconds):
        self.now += seconds

    def joules(self):
        return 200 * self.period * math.floor(self.now / self.period + 1e-9)


def test_joules_of_a_frame_are_power_times_time_within_a_period_of_the_counter():
    fake = FakeTime()
    period = counter_period(fake.joules, lambda: fake.now, fake.pass_)
    assert period == pytest.approx(0.1, abs=0.002)
    meter = Meter(fake.joules, period, lambda: None, lambda: fake.now)
    assert meter.window == pytest.approx(20 * period)
    fake.pass_(0.037)  # the window does not begin with a change of the counter
    assert meter.per_call(lambda: fake.pass_(0.004)) == pytest.approx(200 * 0.004, rel=1 / 20)


def test_a_window_is_a_second_at_least_and_a_counter_that_stands_still_is_given_up():
    fake = FakeTime(period=0.01)
    assert Meter(fake.joules, 0.01, lambda: None, lambda: fake.now).window == 1.0
    fake = FakeTime(period=100)
    assert counter_period(fake.joules, lambda: fake.now, fake.pass_) is None
