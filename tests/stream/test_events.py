"""A toy stream worked by hand: one frame a second, 2.5 s for a key frame, half a second for a non-key frame."""

import pytest

from bench.stream.events import Durations, replay

TOY = Durations(key=(2.5,), non_key=(0.5,))
NONE = None


def shown(replayed):
    """For each frame's time, which frame's label map is on show."""
    return [NONE if step is None else replayed.steps[step].frame for step in replayed.shown]


def rows(replayed):
    """(frame, frame of the parent, start, end) of each step."""
    steps = replayed.steps
    return [(s.frame, NONE if s.parent is None else steps[s.parent].frame, s.started, s.finished) for s in steps]


def test_dropping_with_a_key_frame_that_holds_up_the_others():
    replayed = replay(8, 1.0, 4, TOY, waiting="drop", keys="sync")
    assert rows(replayed) == [
        (0, NONE, 0.0, 2.5),
        (2, 0, 2.5, 3.0),  # frame 1 is left out: frame 2 has come
        (3, 2, 3.0, 3.5),
        (4, NONE, 4.0, 6.5),  # due, four frames after the last
        (6, 4, 6.5, 7.0),
        (7, 6, 7.0, 7.5),
    ]
    # At 3 s the map of frame 2 is just finished; from 4 to 6 s the key frame stalls, and that of frame 3 stays on show.
    assert shown(replayed) == [NONE, NONE, NONE, 2, 3, 3, 3, 6]
    assert replayed.ages == [1, 1, 2, 3, 1]


def test_queueing():
    replayed = replay(8, 1.0, 4, TOY, waiting="queue", keys="sync")
    assert [row[0] for row in rows(replayed)] == list(range(8))
    assert [row[3] for row in rows(replayed)] == [2.5, 3.0, 3.5, 4.0, 6.5, 7.0, 7.5, 8.0]
    assert shown(replayed) == [NONE, NONE, NONE, 1, 3, 3, 3, 5]


def test_key_frames_in_the_background_leave_no_stall():
    replayed = replay(8, 1.0, 4, TOY, waiting="drop", keys="background")
    assert rows(replayed)[:2] == [(0, NONE, 0.0, 2.5), (4, NONE, 4.0, 6.5)]
    assert rows(replayed)[2:] == [
        (2, 0, 2.5, 3.0),
        (3, 2, 3.0, 3.5),
        (4, 3, 4.0, 4.5),  # the frame that is segmented meanwhile is propagated too
        (5, 4, 5.0, 5.5),
        (6, 5, 6.0, 6.5),
        (7, 4, 7.0, 7.5),  # the second key frame is finished, and is gone on from
    ]
    assert replayed.steps[replayed.steps[-1].parent].is_key
    assert shown(replayed) == [NONE, NONE, NONE, 2, 3, 4, 5, 6]


def test_queueing_with_key_frames_in_the_background():
    replayed = replay(8, 1.0, 4, TOY, waiting="queue", keys="background")
    assert [row[0] for row in rows(replayed)[2:]] == list(range(1, 8))
    assert shown(replayed) == [NONE, NONE, NONE, 1, 3, 4, 5, 6]


def test_a_background_key_frame_that_is_late_is_taken_from_the_newest_frame_or_in_turn():
    found = {way: replay(8, 1.0, 2, TOY, waiting=way, keys="background") for way in ("drop", "queue")}
    keys = {way: [(s.frame, s.started) for s in replayed.steps if s.is_key] for way, replayed in found.items()}
    assert keys["drop"] == [(0, 0.0), (2, 2.5), (5, 5.0), (7, 7.5)]
    assert keys["queue"] == [(0, 0.0), (2, 2.5), (4, 5.0), (6, 7.5)]


def test_a_queue_that_is_slower_than_the_camera_falls_further_and_further_behind():
    every = replay(8, 1.0, 1, Durations((2.0,), ()), waiting="queue", keys="sync")
    newest = replay(8, 1.0, 1, Durations((2.0,), ()), waiting="drop", keys="sync")
    assert shown(every) == [NONE, NONE, 0, 0, 1, 1, 2, 2]
    assert shown(newest) == [NONE, NONE, 0, 0, 2, 2, 4, 4]


def test_even_a_quick_method_is_one_frame_late():
    quick = replay(4, 30.0, 1, Durations((0.001,), ()), waiting="drop", keys="sync")
    assert shown(quick) == [NONE, 0, 1, 2]
    at_once = replay(4, 30.0, 1, Durations((0.0,), ()), waiting="drop", keys="sync")
    assert shown(at_once) == [0, 1, 2, 3]


def test_samples_are_taken_in_their_order_over_and_over():
    durations = Durations(key=(1.0, 2.0, 3.0), non_key=(0.5,), first=4)
    replayed = replay(4, 0.1, 1, durations, waiting="queue", keys="sync")
    assert [step.finished - step.started for step in replayed.steps] == [2.0, 3.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("frames", "rate", "interval", "keys", "words"),
    [
        (0, 1.0, 1, "sync", "0 frames"),
        (1, 0.0, 1, "sync", "at 0 Hz"),
        (1, 1.0, 0, "sync", "interval 0"),
        (1, 1.0, 1, "background", "at interval 1 every frame"),
    ],
)
def test_what_makes_no_sense_is_refused(frames, rate, interval, keys, words):
    with pytest.raises(ValueError, match=words):
        replay(frames, rate, interval, TOY, waiting="drop", keys=keys)


def test_a_kind_of_frame_without_samples_is_refused():
    with pytest.raises(ValueError, match="no sample of a non-key frame"):
        replay(3, 1.0, 2, Durations((1.0,), ()), waiting="drop", keys="sync")
