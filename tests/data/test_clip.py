import subprocess
import sys

import numpy as np
import pytest

from bench.data import Clip, Dataset, Frame, colour_map


def frame(name="0", size=(4, 6), labels=None, labels_from=""):
    return Frame(np.zeros((3, *size), np.uint8), labels, name, labels_from)


def clip(*frames, num_classes=3):
    return Clip("street", lambda: iter(frames), len(frames), labelled=True, num_classes=num_classes)


def test_frames_start_over_each_time():
    two = clip(frame("a"), frame("b"))
    assert [f.name for f in two.frames()] == [f.name for f in two.frames()] == ["a", "b"]


def test_frames_are_taken_one_at_a_time():
    def read():
        yield frame("a")
        raise AssertionError("the second frame was not asked for")

    lazy = Clip("street", read, 2, labelled=False, num_classes=None)
    assert next(lazy.frames()).name == "a"


def test_refuses_a_frame_of_another_size():
    frames = clip(frame("a"), frame("b", (4, 8))).frames()
    next(frames)
    with pytest.raises(ValueError, match="clip street, frame b: the frame is 8x4 and the clip's first 6x4"):
        next(frames)


def test_refuses_labels_of_another_size():
    with pytest.raises(ValueError, match=r"clip street, frame a, labels a\.png: the labels are 6x5 and the frame 6x4"):
        next(clip(frame("a", labels=np.zeros((5, 6), np.uint8), labels_from="a.png")).frames())


def test_refuses_an_id_that_is_no_class_and_says_where():
    labels = np.zeros((4, 6), np.uint8)
    labels[2, 5] = 3
    with pytest.raises(ValueError, match=r"frame a, labels a\.png: id 3 at row 2, column 5; ids are 0 to 2, or 255"):
        next(clip(frame("a", labels=labels, labels_from="a.png")).frames())


def test_takes_the_highest_id_and_ignore():
    labels = np.full((4, 6), 255, np.uint8)
    labels[0] = 2
    assert next(clip(frame(labels=labels)).frames()).labels is labels


def test_refuses_a_clip_without_frames():
    with pytest.raises(ValueError, match="clip street has no frames"):
        list(clip().frames())


def test_classes_of_a_data_set():
    named = Dataset("d", (clip(),), ("a", "b"), colour_map(2), "d")
    assert (named.num_classes, named.labelled) == (2, True)
    assert Dataset("d", (clip(),), (), colour_map(0), "d").num_classes is None


def test_colours_are_distinct_and_not_black():
    colours = {tuple(colour) for colour in colour_map(255).tolist()}
    assert len(colours) == 255
    assert (0, 0, 0) not in colours
    # id 0 is 1 = bit 0, red's highest; id 5 is 6 = bits 1 and 2, green's and blue's.
    assert colour_map(6)[[0, 5]].tolist() == [[128, 0, 0], [0, 128, 128]]


def test_readers_and_measures_do_without_torch():
    code = "import sys, bench.data, bench.metrics; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
