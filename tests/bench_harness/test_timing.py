"""Times are told apart by kind, kept raw, and amortised by arithmetic."""

from __future__ import annotations

import pytest
import torch
from harness_fakes import Network, Wandering, as_frames, small_data

from bench.memory import peak_memory
from bench.timing import Sample, Timing, time_clip

FRAMES = as_frames(small_data(clips=1, frames=12))


def made(key: list[float], other: list[float]) -> Timing:
    samples = [Sample(0, i, "key", t, None) for i, t in enumerate(key)]
    samples += [Sample(0, i, "other", t, None) for i, t in enumerate(other)]
    return Timing(tuple(samples), ())


def test_frames_are_run_as_the_interval_says_in_every_repeat():
    segmenter = Wandering(Network())
    timing = time_clip(segmenter, FRAMES, interval=5, repeats=2, warmup=3)
    assert [(s.repeat, s.frame) for s in timing.samples] == [(r, f) for r in (0, 1) for f in range(12)]
    assert [s.frame for s in timing.samples if s.kind == "key"] == [0, 5, 10] * 2
    assert [(s.repeat, s.kind) for s in timing.warmup] == [(-1, "key"), (-1, "other"), (-1, "other")]
    assert segmenter.calls == {"segment": 3 * 2 + 1, "propagate": 9 * 2 + 2}
    assert all(s.labels > 0 and s.model is None for s in timing.samples)


def test_fps_is_amortised_over_fifteen_frames():
    timing = made(key=[0.2, 0.4], other=[0.02, 0.06, 0.04])
    # Interval 5: 3 key frames at 0.3 s and 12 others at 0.04 s in 15 frames.
    assert timing.fps(5) == pytest.approx(15 / (3 * 0.3 + 12 * 0.04))
    # Interval 10: key frames 0 and 10.
    assert timing.fps(10) == pytest.approx(15 / (2 * 0.3 + 13 * 0.04))
    assert timing.fps(1) == pytest.approx(1 / 0.3)
    assert timing.fps(5, "model") is None
    assert timing.median_seconds("other") == 0.04


def test_a_kind_that_was_not_measured_gives_no_fps():
    assert made(key=[0.1], other=[]).fps(5) is None
    assert made(key=[0.1], other=[]).fps(1) == pytest.approx(10)


@pytest.mark.parametrize(("frames", "repeats"), [([], 3), (FRAMES, 0)])
def test_nothing_to_time_is_refused(frames, repeats):
    with pytest.raises(ValueError, match=r"no frame|repeats is 0"):
        time_clip(Wandering(Network()), frames, interval=1, repeats=repeats)


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
