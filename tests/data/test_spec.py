from pathlib import Path

import numpy as np
import pytest
from image_trees import grey, save

from bench.data import open_dataset, write_video
from mpvss.errors import UserError


def test_a_path_alone_is_a_folder_or_a_video(tmp_path):
    save(tmp_path / "frames/0.png", grey(1))
    write_video(tmp_path / "a.mp4", [np.zeros((32, 32, 3), np.uint8)], fps=25)
    assert open_dataset(f"{tmp_path}/frames").identity == open_dataset(f"folder:{tmp_path}/frames").identity
    assert open_dataset(f"{tmp_path}/a.mp4").identity == open_dataset(f"video:{tmp_path}/a.mp4").identity


@pytest.mark.parametrize("spec", ["cityscape:/data", "nowhere/at/all", ""])
def test_names_the_known_kinds_for_an_unknown_one(spec):
    known = "camvid:PATH, cityscapes:PATH, clips:PATH, folder:PATH, generated, .*video:PATH, vspw:PATH"
    with pytest.raises(ValueError, match=f"data sets are {known}"):
        open_dataset(spec)


@pytest.mark.parametrize("kind", ["camvid", "cityscapes", "clips", "folder", "video", "vspw"])
def test_asks_for_a_path(kind):
    with pytest.raises(ValueError, match=f"names no path; write {kind}:PATH"):
        open_dataset(f"{kind}:")


@pytest.mark.parametrize("kind", ["cityscapes", "vspw"])
def test_the_one_option_of_data_sets_with_splits(kind, tmp_path):
    with pytest.raises(ValueError, match=f"{kind}: split is 'all'; it must be one of train, val, test"):
        open_dataset(f"{kind}:{tmp_path},split=all")
    with pytest.raises(ValueError, match=f"{kind}: unknown option 'spilt'; the one option is split"):
        open_dataset(f"{kind}:{tmp_path},spilt=val")
    with pytest.raises(ValueError, match=f"names no path; write {kind}:PATH or {kind}:PATH,split=val"):
        open_dataset(f"{kind}:,split=val")
    with pytest.raises(ValueError, match=f"{tmp_path}/a,b=1/c is not"):
        open_dataset(f"{kind}:{tmp_path}/a,b=1/c")


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


def test_a_folder_that_may_not_be_listed_is_named(tmp_path, monkeypatch):
    """The tests may run as a user whom no permission stops, so the refusal itself is planted."""

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UserError, match=f"folder:{tmp_path}: {tmp_path} cannot be read: Permission denied"):
        open_dataset(f"folder:{tmp_path}")


def test_a_path_that_no_file_system_takes_is_refused():
    with pytest.raises(UserError, match="cannot be read: File name too long"):
        open_dataset("a" * 5000)
