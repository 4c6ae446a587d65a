import numpy as np
import pytest
from image_trees import grey, save

from bench.data import open_dataset, write_video


def test_a_path_alone_is_a_folder_or_a_video(tmp_path):
    save(tmp_path / "frames/0.png", grey(1))
    write_video(tmp_path / "a.mp4", [np.zeros((32, 32, 3), np.uint8)], fps=25)
    assert open_dataset(f"{tmp_path}/frames").identity == open_dataset(f"folder:{tmp_path}/frames").identity
    assert open_dataset(f"{tmp_path}/a.mp4").identity == open_dataset(f"video:{tmp_path}/a.mp4").identity


@pytest.mark.parametrize("spec", ["cityscape:/data", "nowhere/at/all", ""])
def test_names_the_known_kinds_for_an_unknown_one(spec):
    with pytest.raises(ValueError, match="data sets are camvid:PATH, folder:PATH, generated, video:PATH"):
        open_dataset(spec)


@pytest.mark.parametrize("kind", ["camvid", "folder", "video"])
def test_asks_for_a_path(kind):
    with pytest.raises(ValueError, match=f"names no path; write {kind}:PATH"):
        open_dataset(f"{kind}:")


def test_labels_are_for_folders_alone():
    with pytest.raises(ValueError, match="labels are given for a folder of frames alone, not for generated"):
        open_dataset("generated", labels="somewhere")


def test_a_number_of_classes_agrees_with_the_data_sets_own():
    assert open_dataset("generated", num_classes=6).num_classes == 6
    with pytest.raises(ValueError, match="generated has 6 classes of its own, not 19"):
        open_dataset("generated", num_classes=19)


@pytest.mark.parametrize("num_classes", [0, 256])
def test_refuses_numbers_of_classes_that_label_maps_cannot_hold(num_classes):
    with pytest.raises(ValueError, match=f"num_classes is {num_classes}"):
        open_dataset("generated", num_classes=num_classes)
