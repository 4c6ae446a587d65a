import math

import numpy as np
import pytest

from bench.metrics import StrictVideoConsistency, VideoConsistency


def play(measure, truth, prediction):
    """Feed a clip of one row of pixels: a list of rows each."""
    for t, p in zip(truth, prediction, strict=True):
        measure.update(np.array([t], np.uint8), np.array([p], np.uint8))
    return measure.end_clip()


def slow_windows(truth, prediction, n, last):
    """VC by its definition, over whole arrays: the oracle of the running counters."""
    values = []
    for start in range(len(truth) - n + last):
        t, p = truth[start : start + n], prediction[start : start + n]
        still = (t == t[0]).all(axis=0)
        kept = (p == p[0]).all(axis=0)
        values.append((still & kept).sum() / still.sum())
    return values


def test_windows_by_hand():
    # Pixel 0 is still in both, pixel 1 flickers in the prediction at frame 2, pixel 2 changes in the truth at frame 17.
    truth = [[0, 1, 2]] * 17 + [[0, 1, 3]]
    prediction = [[0, 1, 2]] * 2 + [[0, 5, 2]] + [[0, 1, 2]] * 15
    windows = play(VideoConsistency((2, 17)), truth, prediction)
    # Starts 0..15 of two frames; the flicker breaks those that hold frame 2 and another: starts 1 and 2.
    assert windows[2] == pytest.approx([1, 2 / 3, 2 / 3] + [1] * 13)
    # Start 0 alone; that at 1, the last possible, is not used.
    assert windows[17] == pytest.approx([2 / 3])


def test_constantly_wrong_is_consistent_but_not_strictly():
    truth = [[1, 1]] * 17
    prediction = [[1, 0]] * 17
    scripts, strict = VideoConsistency(), StrictVideoConsistency()
    play(scripts, truth, prediction)
    play(strict, truth, prediction)
    assert (scripts.mean(8), strict.mean(8)) == (1, 0.5)


def test_ignored_pixels_count_in_the_scripts_measure_alone():
    # Of three still pixels the ignored one is kept still in the prediction and another flickers.
    truth = [[1, 1, 255]] * 17
    prediction = [[1, 1 - frame % 2, 0] for frame in range(17)]
    scripts, strict = VideoConsistency(), StrictVideoConsistency()
    play(scripts, truth, prediction)
    play(strict, truth, prediction)
    assert scripts.mean(8) == pytest.approx(2 / 3)
    assert strict.mean(8) == pytest.approx(1 / 2)


def test_a_pixel_right_in_a_changing_truth_does_not_count_in_the_strict_measure():
    truth = [[0, 0], [0, 1]]
    windows = play(StrictVideoConsistency((2,)), truth, truth)
    assert windows == {2: (1.0,)}
    windows = play(StrictVideoConsistency((2,)), truth, [[1, 0], [0, 1]])
    assert windows == {2: (0.0,)}


def test_which_windows_are_used():
    still = [[0]] * 17
    assert {n: len(v) for n, v in play(VideoConsistency(), still, still).items()} == {8: 9, 16: 1}
    assert {n: len(v) for n, v in play(StrictVideoConsistency(), still, still).items()} == {8: 10, 16: 2}


def test_clips_of_16_frames_or_fewer_are_skipped_by_the_scripts_measure():
    still = [[0]] * 16
    scripts, strict = VideoConsistency(), StrictVideoConsistency()
    assert play(scripts, still, still) == {8: (), 16: ()}
    assert scripts.mean(8) is None
    assert {n: len(v) for n, v in play(strict, still, still).items()} == {8: 9, 16: 1}


def test_a_skipped_clip_leaves_nothing_to_the_next():
    measure = VideoConsistency((8,))
    play(measure, [[0]] * 16, [[frame % 2] for frame in range(16)])
    play(measure, [[0]] * 17, [[0]] * 17)
    assert measure.mean(8) == 1


def test_the_mean_is_over_windows_not_over_clips():
    measure = VideoConsistency((8,))
    flicker = [[frame % 2] for frame in range(17)]
    play(measure, [[0]] * 17, flicker)  # 9 windows of 0
    play(measure, [[0]] * 35, [[0]] * 35)  # 27 windows of 1
    assert measure.mean(8) == pytest.approx(27 / 36)


def test_a_window_without_a_still_pixel_has_no_value_and_leaves_the_mean_alone():
    truth = [[frame] for frame in range(9)] + [[9]] * 9
    for measure in (VideoConsistency((8,)), StrictVideoConsistency((8,))):
        windows = play(measure, truth, truth)
        assert all(math.isnan(value) for value in windows[8][:9])
        assert windows[8][9:] == (1.0,) * (len(windows[8]) - 9)
        assert len(windows[8]) > 9
        assert measure.mean(8) == 1
    only_moving = VideoConsistency((8,))
    play(only_moving, [[frame] for frame in range(20)], [[0]] * 20)
    assert only_moving.mean(8) is None


def test_running_counters_agree_with_the_definition():
    rng = np.random.default_rng(5)
    # Mostly still, with changes here and there, in a map large enough for every window to have still pixels.
    truth, prediction = (np.cumsum(rng.random((40, 30, 30)) < 0.02, axis=0).astype(np.uint8) % 3 for _ in range(2))
    scripts, strict = VideoConsistency((3, 8, 16)), StrictVideoConsistency((3, 8, 16))
    for t, p in zip(truth, prediction, strict=True):
        scripts.update(t, p)
        strict.update(t, p)
    windows, strict_windows = scripts.end_clip(), strict.end_clip()
    for n in (3, 8, 16):
        assert windows[n] == pytest.approx(slow_windows(truth, prediction, n, last=False), abs=1e-12)
        right_only = [
            ((t == t[0]) & (p == t)).all(axis=0).sum() / (t == t[0]).all(axis=0).sum()
            for t, p in ((truth[i : i + n], prediction[i : i + n]) for i in range(40 - n + 1))
        ]
        assert strict_windows[n] == pytest.approx(right_only, abs=1e-12)


@pytest.mark.parametrize("make", [VideoConsistency, StrictVideoConsistency])
def test_a_buffer_may_be_used_again_for_the_next_frame(make):
    measure = make((2,))
    truth, prediction = np.zeros((2, 1, 1), np.uint8)
    for frame in range(20):
        prediction[:] = frame % 2
        measure.update(truth, prediction)
    assert set(measure.end_clip()[2]) == {0.0}


def test_clips_may_differ_in_size_but_frames_of_one_may_not():
    measure = VideoConsistency((8,))
    play(measure, [[0]] * 17, [[0]] * 17)
    play(measure, [[0, 0]] * 17, [[0, 0]] * 17)
    measure.update(np.zeros((1, 2), np.uint8), np.zeros((1, 2), np.uint8))
    with pytest.raises(ValueError, match=r"truth of frame 1 is \(1, 3\), not \(1, 2\)"):
        measure.update(np.zeros((1, 3), np.uint8), np.zeros((1, 3), np.uint8))


@pytest.mark.parametrize("windows", [(), (1,), (8, 1 << 16)])
def test_refuses_windows_that_cannot_be_measured(windows):
    with pytest.raises(ValueError, match="windows are"):
        VideoConsistency(windows)


def test_refuses_to_report_a_window_it_did_not_measure():
    with pytest.raises(ValueError, match="VC4 was not measured"):
        VideoConsistency((8, 16)).mean(4)
