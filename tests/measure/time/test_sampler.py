"""Methods are timed in turn in a random order; frames are told apart by kind; what follows is arithmetic."""

from __future__ import annotations

import itertools
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from harness_fakes import Failing, Network, PerFrame, Wandering, as_frames, small_data

from bench.measure.memory import peak_memory
from bench.measure.time import sampler as sampler_module
from bench.measure.time.graphs import captured
from bench.measure.time.methods import Plan, TimedClip, time_methods
from bench.measure.time.modes import Mode, prepare
from bench.measure.time.passes import FrameTime
from bench.measure.time.record import timing_record
from bench.measure.time.samples import Course, Sample, Times, Timing, amortise
from bench.measure.time.stopping import FixedRounds, Precision, WarmUp

FRAMES = as_frames(small_data(clips=1, frames=12))
CLIP = TimedClip(FRAMES, lambda: (frame.clone() for frame in FRAMES))
TWO_ROUNDS = Plan(scopes=("model", "labels", "video"), rule=FixedRounds(2), warmup=WarmUp(frames=3, most=1))


def methods():
    return {
        name: make(Network()) for name, make in (("wander", Wandering), ("frames", PerFrame), ("non-key", Wandering))
    }


def made(key: list[float], other: list[float], **fields) -> Timing:
    samples = [Sample(0, 0, i, True, t) for i, t in enumerate(key)]
    samples += [Sample(0, 0, i, False, t) for i, t in enumerate(other)]
    course = Course("rounds", 3, 1.0, 0.5, 1, None)
    return Timing({"labels": Times(samples, samples[:1])}, course, **fields)


def orders(timings) -> list[list[tuple[str, str]]]:
    """The passes of each round in the order that their places say."""
    passes = {
        (sample.round, sample.place, method, scope)
        for method, timing in timings.items()
        for scope, times in timing.times.items()
        for sample in times.samples
    }
    return [
        [(method, scope) for _, _, method, scope in group]
        for _, group in itertools.groupby(sorted(passes), key=lambda entry: entry[0])
    ]


def test_every_method_and_scope_makes_one_pass_a_round_in_an_order_of_its_own():
    plans = [Plan(scopes=("model", "labels"), rule=FixedRounds(6), seed=seed) for seed in (0, 0, 1)]
    first, again, other_seed = (orders(time_methods(methods(), CLIP, plan)[0]) for plan in plans)
    everyone = sorted(itertools.product(("frames", "non-key", "wander"), ("labels", "model")))
    assert [sorted(order) for order in first] == [everyone] * 6
    assert len({tuple(order) for order in first}) > 3
    assert first == again != other_seed


def test_frames_are_run_as_the_interval_says_in_every_round():
    segmenters = methods()
    timings, failed = time_methods(segmenters, CLIP, TWO_ROUNDS, only_keys=["frames"])
    assert failed == {}
    for scope in TWO_ROUNDS.scopes:
        times = timings["wander"].times[scope]
        assert [(s.round, s.frame) for s in times.samples] == [(r, f) for r in (0, 1) for f in range(12)]
        assert [s.frame for s in times.samples if s.key] == [0, 5, 10] * 2
        assert [(s.frame, s.key) for s in times.warmup] == [(0, True), (1, False), (2, False)]
        assert all(s.seconds > 0 and s.other_clock is None and s.throttled is None for s in times.samples)
    # Three scopes, each with two rounds of 3 + 9 frames and a warm-up of 1 + 2.
    assert segmenters["wander"].calls == {"segment": 3 * 7, "propagate": 3 * 20}
    assert all(sample.key for sample in timings["frames"].times["labels"].samples)


def test_a_method_that_fails_is_left_out_and_the_others_go_on():
    segmenters = {"failing": Failing(Network()), **methods()}
    timings, failed = time_methods(segmenters, CLIP, TWO_ROUNDS)
    assert {name: str(error) for name, error in failed.items()} == {"failing": "out of luck"}
    assert timings.keys() == segmenters.keys() - {"failing"}
    assert len(timings["wander"].times["labels"].samples) == 24
    assert time_methods({"failing": Failing(Network())}, CLIP, TWO_ROUNDS)[0] == {}


@pytest.mark.parametrize(
    ("seconds", "rounds", "stable"),
    [((9.0, 3.0, 1.0, 1.02, 7.0), 4, True), ((1.0, 2.0, 1.0, 2.0, 1.0), 5, False)],
)
def test_the_warm_up_ends_when_times_have_settled_or_at_its_cap(monkeypatch, seconds, rounds, stable):
    of_round = itertools.chain(seconds[:rounds], itertools.repeat(0.5))
    monkeypatch.setattr(
        sampler_module,
        "run_pass",
        lambda *_, count, **__: [FrameTime(i, i == 0, t, None) for t in [next(of_round)] for i in range(count)],
    )
    plan = Plan(rule=FixedRounds(2), warmup=WarmUp(most=5))
    (timing,) = time_methods({"wander": Wandering(Network())}, CLIP, plan)[0].values()
    assert (timing.course.warmup_rounds, timing.course.warmup_stable) == (rounds, stable)
    assert [s.seconds for s in timing.times["labels"].warmup if s.key] == list(seconds[:rounds])
    assert {s.seconds for s in timing.times["labels"].samples} == {0.5}


@pytest.mark.parametrize(
    ("built", "limit", "warmup_rounds", "rounds"),
    [
        # Every pass takes 4 s. Warm-up rounds end at 14, 18, 22 and 26 s: after the last there is time for one round
        # that counts, which ends at 30 s, and none for another.
        (10, 30, 4, 1),
        # Five rounds of warm-up at most, to 30 s; then rounds that end at 34, 38 and 42 s.
        (10, 42, 5, 3),
        # Building alone passed the limit: one round of each.
        (40, 30, 1, 1),
    ],
)
def test_the_time_limit_is_for_building_and_warm_up_too(monkeypatch, built, limit, warmup_rounds, rounds):
    clock = SimpleNamespace(now=float(built))
    seconds = itertools.cycle([1.0, 2.0])  # neither settled nor precise

    def run_pass(*_, count, **__):
        clock.now += 4
        time = next(seconds)
        return [FrameTime(index, index == 0, time, None) for index in range(count)]

    monkeypatch.setattr(sampler_module, "run_pass", run_pass)
    monkeypatch.setattr(sampler_module, "perf_counter", lambda: clock.now)
    plan = Plan(rule=Precision(minimum=1000, time_limit=limit), warmup=WarmUp(most=5))
    (timing,) = time_methods({"wander": Wandering(Network())}, CLIP, plan, started=0.0)[0].values()
    course = timing.course
    assert (course.stopped, course.warmup_stable) == ("time limit", False)
    assert (course.warmup_rounds, course.rounds) == (warmup_rounds, rounds)
    assert course.before_seconds == built + 4 * warmup_rounds
    assert course.seconds == 4 * rounds
    assert timing_record(timing, 5, ()).before_seconds == course.before_seconds


def test_fps_is_amortised_over_fifteen_frames():
    times = made(key=[0.2, 0.4], other=[0.02, 0.06, 0.04]).times["labels"]
    # Interval 5: 3 key frames at 0.3 s and 12 others at 0.04 s in 15 frames.
    assert times.fps(5) == pytest.approx(15 / (3 * 0.3 + 12 * 0.04))
    # Interval 10: key frames 0 and 10.
    assert times.fps(10) == pytest.approx(15 / (2 * 0.3 + 13 * 0.04))
    assert times.fps(1) == pytest.approx(1 / 0.3)
    assert made(key=[0.1], other=[]).times["labels"].fps(5) is None
    assert amortise({"key": 1.0, "non-key": 0.25}, 5) == pytest.approx((3 * 1 + 12 * 0.25) / 15)


def test_the_record_has_what_numpy_finds_and_every_sample():
    rng = np.random.default_rng(0)
    key, other = list(rng.exponential(0.05, 40)), list(rng.exponential(0.01, 400))
    record = timing_record(made(key, other), 5, (1 / 30, 0.01))
    of_key, of_other = record.kinds
    assert of_other.p99_ms == pytest.approx(1000 * np.percentile(other, 99))
    assert of_key.p90_ms == pytest.approx(1000 * np.percentile(key, 90))
    assert {of_key.p99_ms, of_key.p99_low_ms, of_key.p99_high_ms} == {None}  # it takes 368 samples
    assert of_key.p90_low_ms < of_key.p90_ms < of_key.p90_high_ms
    assert of_other.p99_low_ms < of_other.p99_ms < of_other.p99_high_ms
    assert (of_key.samples, of_other.samples) == (40, 400)
    assert of_key.p50_low_ms < of_key.p50_ms == 1000 * np.median(key) < of_key.p50_high_ms
    late = [np.mean(np.array(times) > 1 / 30) for times in (key, other)]
    assert [of_key.late["33.33"], of_other.late["33.33"]] == late
    assert record.late["labels"]["33.33"] == pytest.approx((3 * late[0] + 12 * late[1]) / 15)
    assert record.samples["labels"].seconds == key + other
    assert record.samples["labels"].other_clock is None
    assert {record.compile_seconds, record.guard, record.throttled_share, record.energy_key_j} == {None}


def test_at_interval_one_there_are_no_other_frames():
    record = timing_record(made([0.1], [0.01], energy={"key_j": 2.0, "non_key_j": 1.0}), 1, (1 / 30,))
    assert [row.kind for row in record.kinds] == ["key"]
    assert record.p50_non_key_ms is None
    assert (record.energy_key_j, record.energy_non_key_j) == (2.0, None)


def test_modes_change_what_is_run():
    seen = []

    class Casting(Wandering):
        def segment(self, frame):
            prediction, state = super().segment(frame)
            seen.append(torch.mm(torch.ones(2, 2), torch.ones(2, 2)).dtype)
            return prediction, state

    plan = Plan(rule=FixedRounds(1), mode=Mode(amp="bfloat16"))
    time_methods({"casting": Casting(Network())}, CLIP, plan)
    assert set(seen) == {torch.bfloat16}
    convolution = torch.nn.Conv2d(2, 3, 3)
    convolution.num_classes = 6  # type: ignore[assignment]
    prepare(convolution, "labels", Mode(channels_last=True), FRAMES)  # type: ignore[arg-type]
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last)


def test_compiling_is_timed_apart_and_done_once_for_steps_that_are_shared(monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda step, **options: compiled.append(options) or step)
    plan = Plan(scopes=("labels", "video"), rule=FixedRounds(1), mode=Mode(compile=True))
    (timing,) = time_methods({"wander": Wandering(Network())}, CLIP, plan)[0].values()
    assert compiled == [{"dynamic": False}] * 2  # a key and a non-key frame
    assert timing.compile_seconds is not None
    assert timing.compile_seconds > 0


def test_modes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="CUDA graphs need a CUDA device, not cpu"):
        Mode(cuda_graphs=True).check(torch.device("cpu"))
    with pytest.raises(ValueError, match="amp is 'int8'"):
        Mode(amp="int8")


def eager_graphs(monkeypatch):
    """Stands for CUDA graphs: what is captured runs at once, and a replay does nothing."""
    graph = SimpleNamespace(replay=lambda: None)
    stream = SimpleNamespace(wait_stream=lambda other: None)
    for name, value in {
        "Stream": lambda device: stream,
        "current_stream": lambda device: stream,
        "stream": lambda stream: nullcontext(),
        "CUDAGraph": lambda: graph,
        "graph": lambda graph: nullcontext(),
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)


def test_captured_frames_have_places_of_their_own(monkeypatch):
    eager_graphs(monkeypatch)
    places = {}

    def key(frame):
        places["key"] = frame
        return frame + 1, (frame,)

    def other(frame, state):
        places["non-key"] = frame
        return frame - state[0], state

    first, *rest = torch.arange(3.0)
    replay_key, replay_non_key = captured(key, other, first)
    state = replay_key(rest[0])[1]
    replay_non_key(rest[1], state)
    # The key frame that the state holds is the one replayed last, whatever came after it.
    assert (state[0].item(), places["key"].item(), places["non-key"].item()) == (1.0, 1.0, 2.0)


def test_a_state_that_changes_with_every_frame_cannot_be_captured(monkeypatch):
    eager_graphs(monkeypatch)
    with pytest.raises(ValueError, match="state changes with every frame"):
        captured(lambda frame: (frame, (frame,)), lambda frame, state: (frame, (frame,)), torch.zeros(1))


def test_on_a_cuda_device_the_clock_is_the_scopes_own(monkeypatch):
    """Events that are 20 ms apart, as a device would give them, on a host that is quicker."""
    from bench.measure.time import passes

    event = SimpleNamespace(record=lambda: None, elapsed_time=lambda end: 20.0)
    waits = []
    monkeypatch.setattr(passes, "_event", lambda: event)
    monkeypatch.setattr(passes.torch.cuda, "synchronize", waits.append)
    steps, _ = prepare(Wandering(Network()), "labels", Mode(), FRAMES)
    device = torch.device("cuda")
    common = {"count": 4, "interval": 2, "mode": Mode(), "device": device}
    on_device = passes.run_pass(steps, FRAMES, scope="model", **common)
    on_host = passes.run_pass(steps, FRAMES, scope="labels", **common)
    assert waits == [device] * 4  # before and after each pass, and nowhere between
    assert [time.seconds for time in on_device] == [0.02] * 4 == [time.other_clock for time in on_host]
    assert all(time.other_clock is not None and time.other_clock < 0.02 for time in on_device)
    assert all(time.seconds < 0.02 for time in on_host)


def test_peak_memory_sees_what_was_freed_and_no_earlier_peak():
    size = 200 << 20
    torch.ones(2 * size, dtype=torch.uint8)  # an earlier peak, freed
    with peak_memory(torch.device("cpu")) as peak:
        torch.ones(size, dtype=torch.uint8)
    if peak.source != "VmHWM":
        pytest.skip("this system cannot reset its high-water mark")
    assert peak.host_before is not None
    rise = peak.host_peak - peak.host_before
    assert 0.95 * size < rise < 1.2 * size
    assert peak.device_peak is None
