"""Throughput: frames of several streams in turn, each with its own state, and FPS of the median pass."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from harness_fakes import Network, Wandering, as_frames, small_data

from bench.measure.time import streams as streams_module
from bench.measure.time.methods import Plan, TimedClip, time_methods
from bench.measure.time.modes import Mode, Steps
from bench.measure.time.record import timing_record
from bench.measure.time.samples import Course, Sample, Times, Timing
from bench.measure.time.stopping import FixedRounds, WarmUp
from bench.measure.time.streams import run_streams
from bench.report.tables.latency import speed_table

FRAMES = list(torch.arange(6.0))


def test_every_stream_goes_through_the_clip_with_a_state_of_its_own(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    issued: list[tuple[str, float]] = []
    states: list[list[float]] = []

    def key(frame):
        clock.now += 0.6
        issued.append(("key", frame.item()))
        return frame, [frame.item()]

    def non_key(frame, state):
        clock.now += 0.1
        issued.append(("non-key", frame.item()))
        states.append(state)
        return frame, [*state, frame.item()]

    monkeypatch.setattr(streams_module, "perf_counter", lambda: clock.now)
    common = {"count": 5, "interval": 3, "mode": Mode(), "device": torch.device("cpu")}
    times = run_streams(Steps(key, non_key), FRAMES, streams=2, **common)
    kinds = ("key", "non-key", "non-key", "key", "non-key")
    assert issued == [(kind, float(index)) for index, kind in enumerate(kinds) for _ in range(2)]
    # Of both streams alike, and never one stream's to the other.
    assert states == [[0.0], [0.0], [0.0, 1.0], [0.0, 1.0], [3.0], [3.0]]
    assert states[0] is not states[1]
    # Two frames of 0.6 s at indices 0 and 3, and of 0.1 s at the others: a frame's share is that of one.
    assert [time.seconds for time in times] == pytest.approx([0.6, 0.1, 0.1, 0.6, 0.1])
    assert [time.key for time in times] == [True, False, False, True, False]


def test_on_a_cuda_device_the_device_is_waited_for_once_a_pass(monkeypatch):
    event = SimpleNamespace(record=lambda: None, elapsed_time=lambda end: 20.0)
    waits = []
    monkeypatch.setattr(streams_module, "_event", lambda: event)
    monkeypatch.setattr(streams_module.torch.cuda, "synchronize", waits.append)
    device = torch.device("cuda")
    steps = Steps(lambda frame: (frame, None), lambda frame, state: (frame, None))
    times = run_streams(steps, FRAMES, count=4, streams=5, interval=2, mode=Mode(), device=device)
    assert waits == [device] * 2  # before and after
    # 20 ms between the events of an index, in which five frames were run.
    assert [time.seconds for time in times] == [0.02 / 5] * 4
    assert all(time.other_clock is not None and time.other_clock < 0.02 / 5 for time in times)


def test_the_scope_runs_as_many_frames_as_there_are_streams():
    frames = as_frames(small_data(clips=1, frames=6))
    segmenter = Wandering(Network())
    plan = Plan(scopes=("throughput",), streams=3, rule=FixedRounds(2), warmup=WarmUp(frames=3, most=1))
    (timing,) = time_methods({"wander": segmenter}, TimedClip(frames, lambda: frames), plan)[0].values()
    # Interval 5: key frames 0 and 5 in two rounds, frame 0 in the warm-up, each of three streams.
    assert segmenter.calls == {"segment": 3 * (2 * 2 + 1), "propagate": 3 * (2 * 4 + 2)}
    record = timing_record(timing, 5, (1 / 30,))
    assert record.late == {}
    assert all(kind.late == {} for kind in record.kinds)
    assert record.fps_throughput is not None
    assert (record.fps_throughput_low, record.fps_labels, record.p50_key_ms) == (None, None, None)


def test_fps_is_of_the_median_pass_between_order_statistics():
    # A pass of round r takes r seconds a key frame; at interval 1 it gives 1 / r frames a second.
    samples = [Sample(r, 0, frame, key=True, seconds=float(r)) for r in (2, 1, 4, 5, 8, 10) for frame in (0, 1)]
    timing = Timing({"throughput": Times(samples)}, Course("rounds", 6, 1.0, 0.5, 1, None))
    record = timing_record(timing, 1, ())
    # Of six rates, 1, 1/2, 1/4, 1/5, 1/8, 1/10, the median is between 1/4 and 1/5, and the bounds are the extremes.
    assert record.fps_throughput == pytest.approx((1 / 4 + 1 / 5) / 2)
    assert (record.fps_throughput_low, record.fps_throughput_high) == (pytest.approx(0.1), 1.0)
    cell = {"method": "m", "backbone": "b", "interval": 1, "fps_throughput": 0.25}
    line = speed_table([{**cell, "fps_throughput_low": 0.1, "fps_throughput_high": 1.0}]).splitlines()
    assert line[0].endswith(" FPS (throughput) |")
    assert line[-1].endswith(" 0.25 [0.10, 1.00] |")


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"streams": 0}, "batch is 0; it must be 1 or more"),
        ({"streams": 2}, "batch 2 is of scope throughput"),
        ({"streams": 2, "scopes": ("throughput",), "mode": Mode(cuda_graphs=True)}, "keep the state of one stream"),
    ],
)
def test_what_is_refused(plan, words):
    with pytest.raises(ValueError, match=words):
        Plan(**plan)
