"""Schedules, the ledger of their cost and the oracle, on tables small enough to work by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from bench.adaptive.grid import Player
from bench.adaptive.play import MethodCost, SignalCost, calibrated, gains_of, play
from bench.adaptive.rules import Above, Budget, Every, Oracle
from bench.adaptive.table import ClipTable, read_table

COST = MethodCost(100.0, 10.0, {"wary": SignalCost(3, 1, needs_prediction=True), "flow": SignalCost(5, by_flow=True)})
PIXELS = 100


def table(frames: int, hits=lambda key, index: 100 - 10 * (index - key), signal=None) -> ClipTable:
    """One class of 100 pixels a frame, of which `hits` are right; those that are not are given to the other class."""
    truth = np.zeros((frames, 2), np.int64)
    truth[:, 0] = PIXELS
    right, predicted = (np.zeros((frames, frames, 2), np.int64) for _ in range(2))
    values = np.full((frames, frames), np.nan)
    for key in range(frames):
        for index in range(key, frames):
            right[key, index, 0] = max(hits(key, index), 0)
            predicted[key, index] = right[key, index, 0], PIXELS - right[key, index, 0]
            if index > key:
                values[key, index] = index - key if signal is None else signal[index]
    names = ("wary", "flow", "random")
    return ClipTable("clip", truth, right, predicted, {name: values.copy() for name in names})


def keys(schedule, of, longest=99):
    return sorted(set(play(schedule, of, COST, longest).keys.tolist()))


def test_the_fixed_interval():
    played = play(Every(3), table(7), COST, 99)
    assert played.keys.tolist() == [0, 0, 0, 3, 3, 3, 6]
    # Three key frames, four non-key frames, and nothing for the schedule.
    assert (played.macs, played.schedule_macs) == (3 * 100 + 4 * 10, 0)
    # Right: 100 of each key frame, 90 and 80 after two of them.
    assert played.counts.tolist() == [[300 + 2 * (90 + 80), 700, 640], [0, 0, 60]]


def test_a_key_frame_wherever_a_signal_is_above_a_level():
    calm = [0, 1, 1, 9, 1, 1, 5, 1]
    assert keys(Above("wary", 4), table(8, signal=calm)) == [0, 3, 6]
    assert keys(Above("wary", 5), table(8, signal=calm)) == [0, 3]
    # Seen from the last key frame: the default signal is the distance to it.
    assert keys(Above("wary", 2), table(8)) == [0, 3, 6]


def test_a_key_frame_is_forced_after_the_longest_distance():
    assert keys(Above("wary", 99), table(8), longest=3) == [0, 3, 6]


def test_what_a_signal_costs_that_looks_at_the_prediction():
    # Asked at frames 1 to 4; frame 3 becomes a key frame though it was propagated.
    played = play(Above("wary", 2), table(5), COST, 99)
    assert played.keys.tolist() == [0, 0, 0, 3, 3]
    wasted, signals, at_keys = 10, 4 * 3, 2 * 1
    assert played.schedule_macs == wasted + signals + at_keys
    assert played.macs == 2 * 100 + 3 * 10 + played.schedule_macs


def test_the_flow_that_the_method_propagates_by_is_not_computed_twice():
    # Of the frames asked about, only frame 3 is not propagated anyway.
    assert play(Above("flow", 2), table(5), COST, 99).schedule_macs == 5


def test_a_frame_at_the_longest_distance_is_not_asked_about_in_vain():
    forced = play(Above("flow", 99), table(4), COST, 2)
    assert forced.keys.tolist() == [0, 0, 2, 2]


def test_a_budget_places_one_key_frame_in_each_window_where_the_signal_is_highest():
    signal = [0, 1, 7, 2, 9, 1, 1, 3, 3]
    # Windows 1-4, 5-8: the 9, and the first 3.
    assert keys(Budget("wary", 4), table(9, signal=signal)) == [0, 4, 7]
    assert keys(Budget("wary", 1), table(4)) == [0, 1, 2, 3]


def test_a_budget_pays_for_the_whole_window():
    # Window 1-3 is asked about from key frame 0; frame 1 becomes the key frame, and 2 and 3 are of it.
    played = play(Budget("wary", 3), table(4, signal=[0, 9, 1, 1]), COST, 99)
    assert played.keys.tolist() == [0, 1, 1, 1]
    wasted, signals, at_keys = 3 * 10, 3 * 3, 2 * 1
    assert played.schedule_macs == wasted + signals + at_keys


def test_the_oracle_finds_the_best_of_all_choices():
    rng = np.random.default_rng(3)
    worth = rng.integers(0, 100, (7, 7))
    of = table(7, hits=lambda key, index: 100 if key == index else int(worth[key, index]))
    gains = np.triu(of.hits[..., 0]).astype(float)

    def value(chosen, price):
        where = np.maximum.accumulate([index if index in chosen else 0 for index in range(7)])
        distances = [index - key for index, key in enumerate(where)]
        return -np.inf if max(distances) >= 4 else gains[where, np.arange(7)].sum() - price * len(chosen)

    every = [{0, *more} for count in range(7) for more in combinations(range(1, 7), count)]
    for price in (0.0, 20.0, 60.0, 150.0):
        best = max(value(chosen, price) for chosen in every)
        found = play(Oracle(price, 4), of, COST, 4, gains)
        assert value(set(found.keys.tolist()), price) == pytest.approx(best)


def test_gains_are_the_first_order_of_the_pooled_miou():
    of = [table(6), table(5, hits=lambda key, index: 90 - 7 * (index - key))]
    (first, _) = gains_of(of, 2, 99)

    def iou(hits):
        # One class in the truth; every pixel that is not right is predicted as the other class.
        return hits / 1100

    pooled = sum(int(t.counts(np.arange(t.frames) - np.arange(t.frames) % 2)[0, 0]) for t in of)
    # Ten pixels more of class 0 in the truth: hits and predicted rise alike, so the IoU's slope is 1 / 1100.
    assert first[0, 0] - first[0, 1] == pytest.approx(iou(pooled + 10) - iou(pooled))


def test_levels_are_chosen_to_hit_a_number_of_key_frames():
    assert calibrated([-1, 2, 4, 6, 8], lambda level: 10 - int(level), 5) in (4.0, 6.0)
    assert calibrated([-1, 2, 4, 6, 8], lambda level: 10 - int(level), 100) == -1
    player = Player([table(20), table(10)], COST, 20)
    for interval in (2, 4, 5):
        played = player.play("flow", interval)
        assert played.key_frames == player.play("fixed", interval).key_frames


def test_an_oracle_is_played_at_every_aim():
    player = Player([table(20), table(10)], COST, 20)
    found = [player.play("oracle", interval).key_frames for interval in (2, 3, 5)]
    assert found == sorted(found, reverse=True)
    assert player.play("oracle", 5).looks_ahead == 19


@pytest.mark.parametrize(
    ("name", "interval", "words"),
    [("luck", 2, "unknown schedule 'luck'"), ("flow", 0, "interval is 0"), ("flow", 21, "1 to 20, the longest")],
)
def test_what_cannot_be_played_is_refused(name, interval, words):
    with pytest.raises(ValueError, match=words):
        Player([table(20)], COST, 20).play(name, interval)


def test_an_unknown_signal_is_named():
    with pytest.raises(ValueError, match="no signal 'luck'; there are wary, flow"):
        play(Above("luck", 1), table(3), COST, 9)


def test_a_table_is_read_as_it_was_written(tmp_path):
    before = table(5)
    before.write(tmp_path / "t.npz")
    after = read_table(tmp_path / "t.npz")
    assert after.name == before.name
    for name in ("truth", "hits", "predicted"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    np.testing.assert_array_equal(after.signals["flow"], before.signals["flow"])
    (tmp_path / "t.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"t\.npz is damaged"):
        read_table(tmp_path / "t.npz")
