import json
import shutil

import numpy as np
import pytest
from image_trees import grey, ids, save

from bench.data import colour_map, open_dataset
from mpvss.errors import UserError

LAYOUT = r"; VSPW is laid out as PATH/data/VIDEO/origin/00000001\.jpg, PATH/data/VIDEO/mask/.*\.png"
SPLITS = {"train": ["1_a", "2_b"], "val": ["10_d", "9_c"], "test": ["3_e"]}


@pytest.fixture
def root(tmp_path):
    """VSPW in small: each video has frames 5, 6 and 7; those of `test` have no masks."""
    root = tmp_path / "VSPW_480p"
    for split, videos in SPLITS.items():
        for video in videos:
            for number in (5, 6, 7):
                save(root / "data" / video / "origin" / f"{number:08d}.jpg", grey(40))
                if split != "test":
                    save(root / "data" / video / "mask" / f"{number:08d}.png", ids(1))
        (root / f"{split}.txt").write_text("".join(f"{video}\n" for video in videos))
    return root


def test_val_unless_told_in_the_order_of_the_split_file(root):
    dataset = open_dataset(f"vspw:{root}")
    assert dataset.frame_rate == 15
    assert [(clip.name, clip.num_frames) for clip in dataset.clips] == [("10_d", 3), ("9_c", 3)]
    assert [frame.name for frame in dataset.clips[0].frames()] == ["00000005", "00000006", "00000007"]
    assert all(clip.labelled and clip.labelled_frames is None for clip in dataset.clips)
    assert (dataset.name, dataset.num_classes) == ("VSPW", 124)
    np.testing.assert_array_equal(dataset.palette, colour_map(124))
    assert [clip.name for clip in open_dataset(f"vspw:{root},split=train").clips] == ["1_a", "2_b"]


def test_ids_become_classes(root):
    labels = ids(0)
    labels[0], labels[1], labels[2], labels[3] = 1, 2, 124, 255
    save(root / "data/10_d/mask/00000005.png", labels)
    read = next(open_dataset(f"vspw:{root}").clips[0].frames()).labels
    assert read.dtype == np.uint8
    # id - 1; rows 3 and below are 255 and 0.
    assert [row.tolist() for row in read] == [[value] * 12 for value in (0, 1, 123, 255, 255, 255, 255, 255)]


def test_refuses_ids_above_124(root):
    save(root / "data/10_d/mask/00000005.png", ids(125))
    with pytest.raises(ValueError, match=r"clip 10_d, frame 00000005, labels .*: id 124 at row 0, column 0"):
        next(open_dataset(f"vspw:{root}").clips[0].frames())


def test_the_videos_of_test_have_no_labels(root):
    dataset = open_dataset(f"vspw:{root},split=test")
    assert not dataset.labelled
    assert [frame.labels for frame in dataset.clips[0].frames()] == [None] * 3
    assert dataset.num_classes == 124


def test_names_of_classes(root):
    assert open_dataset(f"vspw:{root}").class_names[:2] == ("class 1", "class 2")
    names = {"others": 0, **{f"thing {id}": id for id in range(124, 0, -1)}, "void": 255}
    file = root / "label_num_dic_final.json"
    file.write_text(json.dumps(names))
    assert open_dataset(f"vspw:{root}").class_names == tuple(f"thing {id}" for id in range(1, 125))
    for wrong in (json.dumps({"wall": 1}), json.dumps(["wall"]), "{", json.dumps({"wall": None})):
        file.write_text(wrong)
        with pytest.raises(ValueError, match=r"label_num_dic_final\.json does not name classes 1 to 124"):
            open_dataset(f"vspw:{root}")


def test_frames_are_read_when_they_are_asked_for(root):
    clip = open_dataset(f"vspw:{root}").clips[0]
    (root / "data/10_d/origin/00000006.jpg").write_bytes(b"no picture")
    frames = clip.frames()
    next(frames)
    with pytest.raises(ValueError, match=r"00000006\.jpg cannot be read as an image"):
        next(frames)


def test_identity_holds_no_path_and_tells_data_apart(root):
    identity = open_dataset(f"vspw:{root}").identity
    assert identity.startswith("vspw:val clips=2 frames=6 files=")
    elsewhere = root.parent / "elsewhere"
    shutil.copytree(root, elsewhere)
    assert open_dataset(f"vspw:{elsewhere},split=val").identity == identity
    save(elsewhere / "data/9_c/mask/00000007.png", np.arange(96, dtype=np.uint8).reshape(8, 12) % 100)
    assert open_dataset(f"vspw:{elsewhere}").identity != identity
    assert open_dataset(f"vspw:{root},split=train").identity != identity


@pytest.mark.parametrize("wrong", [".", "VSPW_480p/data", "nowhere"])
def test_shows_the_layout_for_a_wrong_root(root, wrong):
    path = root.parent / wrong
    with pytest.raises(ValueError, match=rf"{path} is not VSPW: there is no folder {path / 'data'}{LAYOUT}"):
        open_dataset(f"vspw:{path}")


def test_a_split_file_that_is_missing_empty_or_names_a_video_twice(root):
    (root / "val.txt").unlink()
    with pytest.raises(ValueError, match=rf"{root}/val\.txt is missing{LAYOUT}"):
        open_dataset(f"vspw:{root}")
    (root / "val.txt").write_text("\n \n")
    with pytest.raises(ValueError, match=rf"val\.txt names no video{LAYOUT}"):
        open_dataset(f"vspw:{root}")
    (root / "val.txt").write_text("9_c\n10_d\n9_c\n")
    with pytest.raises(ValueError, match=r"val\.txt names video 9_c 2 times"):
        open_dataset(f"vspw:{root}")


def test_a_video_that_is_named_and_missing(root):
    shutil.rmtree(root / "data/9_c")
    with pytest.raises(ValueError, match=rf"val\.txt names video 9_c, and there is no folder .*/9_c/origin{LAYOUT}"):
        open_dataset(f"vspw:{root}")


def test_a_name_that_no_file_system_takes_and_ids_that_are_none(root):
    (root / "val.txt").write_text("9" * 400)
    with pytest.raises(UserError, match=rf"val\.txt names video 9{{400}}, and there is no folder .*{LAYOUT}"):
        open_dataset(f"vspw:{root}")
    (root / "val.txt").write_text("9_c\n")
    (root / "label_num_dic_final.json").write_text('{"wall": 1e999}')
    with pytest.raises(UserError, match=r"label_num_dic_final\.json does not name classes 1 to 124"):
        open_dataset(f"vspw:{root}")


def test_a_video_without_masks_without_a_mask_or_without_frames(root):
    (root / "data/9_c/mask/00000006.png").unlink()
    with pytest.raises(ValueError, match=rf"origin/00000006\.jpg has no label map: expected .*mask/00000006.*{LAYOUT}"):
        open_dataset(f"vspw:{root}")
    shutil.rmtree(root / "data/9_c/mask")
    with pytest.raises(ValueError, match=rf"names video 9_c, and there is no folder .*/9_c/mask{LAYOUT}"):
        open_dataset(f"vspw:{root}")
    shutil.rmtree(root / "data/10_d/origin")
    (root / "data/10_d/origin").mkdir()
    with pytest.raises(ValueError, match=rf"video 10_d has no frames in .*{LAYOUT}"):
        open_dataset(f"vspw:{root}")
