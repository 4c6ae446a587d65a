"""Clips with label maps beside their frames."""

import numpy as np
import pytest
from image_trees import grey, ids, save

from bench.data import open_dataset
from bench.data.check import check_data
from mpvss.errors import UserError


@pytest.fixture
def root(tmp_path):
    """Two clips of three frames, each frame with labels, and one with finer ones."""
    for clip in ("b10", "b9"):
        for number in range(3):
            save(tmp_path / clip / "frames" / f"{number}.jpg", grey(9))
            save(tmp_path / clip / "labels" / f"{number}.png", ids(number))
        save(tmp_path / clip / "fine" / "1.png", ids(2))
    return tmp_path


def test_each_folder_is_a_clip(root):
    dataset = open_dataset(f"clips:{root}", num_classes=3)
    assert [clip.name for clip in dataset.clips] == ["b9", "b10"]
    for clip in dataset.clips:
        assert (clip.num_frames, clip.labelled_frames) == (3, None)
        for number, frame in enumerate(clip.frames()):
            np.testing.assert_array_equal(frame.labels, ids(number))


def test_only_frames_with_a_label_map_are_scored(root):
    dataset = open_dataset(f"clips:{root},labels=fine", num_classes=3)
    assert [clip.labelled_frames for clip in dataset.clips] == [(1,), (1,)]
    assert [frame.labels is None for frame in dataset.clips[0].frames()] == [True, False, True]
    assert dataset.identity != open_dataset(f"clips:{root}", num_classes=3).identity


def test_frames_are_held_back_and_stretched(root):
    dataset = open_dataset(f"clips:{root},leave=3,size=16x12", num_classes=3)
    frames = [(frame.name, frame.image.shape) for frame in dataset.clips[0].frames()]
    assert frames == [("1", (3, 16, 12)), ("2", (3, 16, 12))]


def test_clips_need_no_labels(root):
    dataset = open_dataset(f"clips:{root},labels=none")
    assert (dataset.labelled, dataset.num_classes) == (False, None)


def test_what_is_wrong_is_said(root):
    with pytest.raises(UserError, match="how many classes do the labels"):
        open_dataset(f"clips:{root}")
    with pytest.raises(UserError, match=r"b9/frames holds no clips; clips are laid out as PATH/CLIP/frames/0001\.jpg"):
        open_dataset(f"clips:{root}/b9/frames", num_classes=3)
    with pytest.raises(UserError, match="unknown option 'split'; options are size, take, leave, labels"):
        open_dataset(f"clips:{root},split=val", num_classes=3)
    (root / "b9" / "fine" / "1.png").unlink()
    with pytest.raises(UserError, match=r"clip .*b9 has no label map in fine, and others have"):
        open_dataset(f"clips:{root},labels=fine", num_classes=3)


def test_a_look_at_clips(root):
    assert check_data(f"clips:{root}", num_classes=3).found == [
        "2 clips, 6 frames",
        "frames of 12x8",
        "labels of every frame; 3 classes",
    ]
    assert "layout:  clips are laid out" in check_data(f"clips:{root}/b9", num_classes=3).text()
