import shutil
from itertools import product

import numpy as np
import pytest
from image_trees import grey, ids, save

from bench.data import open_dataset

LAYOUT = r"; Cityscapes is laid out as PATH/leftImg8bit_sequence/SPLIT/CITY/.*PATH/gtFine/SPLIT/CITY/"


def add_snippet(root, city, sequence, labelled, split="val", kinds=("labelTrainIds",), label=3):
    """Frames n-19 to n+10 of a sequence, each of its own grey, and the labels of frame n."""
    for number in range(labelled - 19, labelled + 11):
        name = f"{city}_{sequence:06d}_{number:06d}_leftImg8bit.png"
        save(root / "leftImg8bit_sequence" / split / city / name, grey(number % 256))
    for kind in kinds:
        save(root / "gtFine" / split / city / f"{city}_{sequence:06d}_{labelled:06d}_gtFine_{kind}.png", ids(label))
    save(root / "gtFine" / split / city / f"{city}_{sequence:06d}_{labelled:06d}_gtFine_color.png", grey(9))


@pytest.fixture
def root(tmp_path):
    """Two cities; the second has one long sequence with two snippets that follow one another."""
    root = tmp_path / "cityscapes"
    add_snippet(root, "ulm", 0, 19)
    add_snippet(root, "bad-ems", 3, 294)
    add_snippet(root, "bad-ems", 3, 324)
    return root


def test_a_clip_is_a_snippet_with_its_20th_frame_labelled(root):
    dataset = open_dataset(f"cityscapes:{root}")
    assert [clip.name for clip in dataset.clips] == [
        "bad-ems_000003_000294",
        "bad-ems_000003_000324",
        "ulm_000000_000019",
    ]
    assert {(clip.num_frames, clip.labelled, clip.labelled_frames) for clip in dataset.clips} == {(30, True, (19,))}
    for clip, first in zip(dataset.clips, (275, 305, 0), strict=True):
        frames = list(clip.frames())
        assert [int(frame.name[-6:]) for frame in frames] == list(range(first, first + 30))
        assert [frame.image[0, 0, 0] for frame in frames] == [number % 256 for number in range(first, first + 30)]
        assert [index for index, frame in enumerate(frames) if frame.labels is not None] == [19]
        assert (frames[19].labels == 3).all()
        assert frames[19].labels_from.endswith(f"{clip.name}_gtFine_labelTrainIds.png")


def test_classes_and_colours(root):
    dataset = open_dataset(f"cityscapes:{root}")
    assert dataset.frame_rate == 17
    assert dataset.num_classes == 19
    assert (dataset.class_names[0], dataset.class_names[13], dataset.class_names[18]) == ("road", "car", "bicycle")
    assert dataset.palette[[0, 13, 18]].tolist() == [[128, 64, 128], [0, 0, 142], [119, 11, 32]]


def test_ids_are_translated_where_there_are_no_train_ids(tmp_path):
    add_snippet(tmp_path, "ulm", 0, 19, kinds=("labelIds",))
    every_id = np.arange(34, dtype=np.uint8).reshape(1, 34)
    save(tmp_path / "gtFine/val/ulm/ulm_000000_000019_gtFine_labelIds.png", every_id[:, :12].repeat(8, axis=0))
    read = list(open_dataset(f"cityscapes:{tmp_path}").clips[0].frames())[19].labels
    assert read.dtype == np.uint8
    #               ids: 0 to 6             7  8  9    10   11
    assert read[0].tolist() == [255] * 7 + [0, 1, 255, 255, 2]
    save(tmp_path / "gtFine/val/ulm/ulm_000000_000019_gtFine_labelIds.png", every_id[:, 12:24].repeat(8, axis=0))
    read = list(open_dataset(f"cityscapes:{tmp_path}").clips[0].frames())[19].labels
    #                           12 13 14   15   16   17 18   19 20 21 22 23
    assert read[0].tolist() == [3, 4, 255, 255, 255, 5, 255, 6, 7, 8, 9, 10]
    last = np.concatenate([every_id[0, 24:], [255, 255]]).astype(np.uint8)
    save(tmp_path / "gtFine/val/ulm/ulm_000000_000019_gtFine_labelIds.png", np.tile(last, (8, 1)))
    read = list(open_dataset(f"cityscapes:{tmp_path}").clips[0].frames())[19].labels
    #                           24  25  26  27  28  29   30   31  32  33
    assert read[0].tolist() == [11, 12, 13, 14, 15, 255, 255, 16, 17, 18, 255, 255]


def test_train_ids_are_read_where_there_are_both(tmp_path):
    add_snippet(tmp_path, "ulm", 0, 19, kinds=("labelIds", "labelTrainIds"), label=7)
    assert set(list(open_dataset(f"cityscapes:{tmp_path}").clips[0].frames())[19].labels.ravel()) == {7}


@pytest.mark.parametrize(("kind", "id"), [("labelTrainIds", 19), ("labelIds", 34)])
def test_refuses_ids_that_are_none(tmp_path, kind, id):
    add_snippet(tmp_path, "ulm", 0, 19, kinds=(kind,), label=id)
    with pytest.raises(ValueError, match=f"frame ulm_000000_000019, labels .*: id {id} at row 0, column 0"):
        list(open_dataset(f"cityscapes:{tmp_path}").clips[0].frames())


def test_splits_and_the_placeholders_of_test(root):
    add_snippet(root, "bonn", 1, 19, split="test", kinds=("labelIds",))
    add_snippet(root, "jena", 1, 19, split="train")
    assert [clip.name for clip in open_dataset(f"cityscapes:{root},split=train").clips] == ["jena_000001_000019"]
    dataset = open_dataset(f"cityscapes:{root},split=test")
    (clip,) = dataset.clips
    assert (clip.num_frames, clip.labelled, clip.labelled_frames) == (30, False, None)
    assert {frame.labels for frame in clip.frames()} == {None}
    assert not dataset.labelled


def test_identity_holds_no_path_and_tells_data_apart(root):
    identity = open_dataset(f"cityscapes:{root}").identity
    assert identity.startswith("cityscapes:val clips=3 frames=90 files=")
    elsewhere = root.parent / "elsewhere"
    shutil.copytree(root, elsewhere)
    assert open_dataset(f"cityscapes:{elsewhere},split=val").identity == identity
    add_snippet(elsewhere, "ulm", 1, 19)
    assert open_dataset(f"cityscapes:{elsewhere}").identity != identity


@pytest.mark.parametrize("wrong", [".", "cityscapes/leftImg8bit_sequence", "nowhere"])
def test_shows_the_layout_for_a_wrong_root(root, wrong):
    path = root.parent / wrong
    words = rf"{path} is not Cityscapes: there is no folder {path}/leftImg8bit_sequence/val{LAYOUT}"
    with pytest.raises(ValueError, match=words):
        open_dataset(f"cityscapes:{path}")


def test_a_split_that_is_missing_or_empty(root):
    with pytest.raises(ValueError, match=rf"there is no folder {root}/leftImg8bit_sequence/train{LAYOUT}"):
        open_dataset(f"cityscapes:{root},split=train")
    shutil.rmtree(root / "gtFine")
    with pytest.raises(ValueError, match=rf"there is no folder {root}/gtFine/val{LAYOUT}"):
        open_dataset(f"cityscapes:{root}")
    (root / "gtFine/val/ulm").mkdir(parents=True)
    with pytest.raises(ValueError, match=rf"{root}/gtFine/val holds no such files as are expected{LAYOUT}"):
        open_dataset(f"cityscapes:{root}")


@pytest.mark.parametrize("number", [275, 294, 304])
def test_a_frame_that_is_missing(root, number):
    (root / f"leftImg8bit_sequence/val/bad-ems/bad-ems_000003_{number:06d}_leftImg8bit.png").unlink()
    words = r"000294_gtFine_labelTrainIds\.png labels the 20th of frames 275 to 304 of bad-ems_000003, and there is no "
    with pytest.raises(ValueError, match=rf"{words}frame bad-ems_000003_{number:06d}_leftImg8bit\.png{LAYOUT}"):
        open_dataset(f"cityscapes:{root}")


@pytest.mark.parametrize(("number", "first"), [(294, 275), (324, 305)])
def test_a_snippet_without_labels(root, number, first):
    for kind in ("labelTrainIds", "color"):
        (root / f"gtFine/val/bad-ems/bad-ems_000003_{number:06d}_gtFine_{kind}.png").unlink()
    words = rf"bad-ems_000003_{first:06d}_leftImg8bit\.png is in no labelled snippet: no label map of its sequence in "
    with pytest.raises(ValueError, match=rf"{words}{root}/gtFine/val is of a frame from 10 before it to 19 after it"):
        open_dataset(f"cityscapes:{root}")


def test_labels_too_near_to_the_start_of_a_sequence(root):
    save(root / "gtFine/val/ulm/ulm_000000_000004_gtFine_labelTrainIds.png", ids(0))
    with pytest.raises(ValueError, match=r"labels the 20th of frames -15 to 14 of ulm_000000"):
        open_dataset(f"cityscapes:{root}")


def test_every_class_has_another_id_and_colour(root):
    palette = open_dataset(f"cityscapes:{root}").palette
    assert len({tuple(colour) for colour in palette.tolist()}) == 19
    assert all((a != b).any() for (i, a), (j, b) in product(enumerate(palette), repeat=2) if i != j)
