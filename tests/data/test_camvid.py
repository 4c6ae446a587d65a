import numpy as np
import pytest
from image_trees import grey, ids, save

from bench.data import open_dataset


@pytest.fixture
def root(tmp_path):
    for split, names in {
        "val": ["0016E5_07961", "0016E5_07959"],
        "train": ["0001TP_1", "0016E5_1", "0001TP_2"],
    }.items():
        for name in names:
            save(tmp_path / split / f"{name}.png", grey(7))
            save(tmp_path / f"{split}annot" / f"{name}.png", ids(8))
    return tmp_path


def test_a_root_means_its_val(root):
    dataset = open_dataset(f"camvid:{root}")
    assert dataset.frame_rate == 30
    (clip,) = dataset.clips
    assert clip.name == "0016E5"
    assert [frame.name for frame in clip.frames()] == ["0016E5_07959", "0016E5_07961"]
    assert dataset.identity == open_dataset(f"camvid:{root}/val").identity
    assert (dataset.num_classes, dataset.class_names[8], dataset.palette[8].tolist()) == (11, "car", [64, 0, 128])


def test_a_clip_is_a_drive(root):
    clips = open_dataset(f"camvid:{root}/train").clips
    assert [(clip.name, clip.num_frames) for clip in clips] == [("0001TP", 2), ("0016E5", 1)]


def test_void_is_ignored(root):
    labels = ids(10)
    labels[0] = 11
    save(root / "valannot/0016E5_07959.png", labels)
    read = next(open_dataset(f"camvid:{root}").clips[0].frames()).labels
    assert read.dtype == np.uint8
    assert set(read[0]) == {255}
    assert set(read[1:].ravel()) == {10}


def test_refuses_ids_above_void(root):
    save(root / "valannot/0016E5_07959.png", ids(12))
    with pytest.raises(ValueError, match="id 12 at row 0, column 0; ids are 0 to 10"):
        next(open_dataset(f"camvid:{root}").clips[0].frames())


@pytest.mark.parametrize("wrong", ["valannot", "nowhere"])
def test_shows_the_layout_for_a_wrong_root(root, wrong):
    with pytest.raises(ValueError, match=rf"{wrong} is not CamVid; CamVid is laid out as PATH/val/.*\.png"):
        open_dataset(f"camvid:{root}/{wrong}")


def test_a_path_with_a_slash_at_its_end_or_relative(root, monkeypatch):
    monkeypatch.chdir(root / "val")
    assert open_dataset("camvid:.").identity == open_dataset(f"camvid:{root}/").identity
