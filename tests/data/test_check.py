"""What `check_data` says of data sets that are whole, and of those that lack something."""

import re

import pytest
from image_trees import grey, ids, save

from bench.data import open_dataset, write_video
from bench.data.check import check_data
from mpvss.errors import UserError


def lines(findings, name):
    return [line[9:] for line in findings.text().splitlines() if line.startswith(f"{name}:")]


@pytest.fixture
def vspw(tmp_path):
    """Two videos of three frames in val."""
    root = tmp_path / "VSPW_480p"
    for video in ("1_a", "2_b"):
        for number in (1, 2, 3):
            save(root / "data" / video / "origin" / f"{number:08d}.jpg", grey(40))
            save(root / "data" / video / "mask" / f"{number:08d}.png", ids(1))
    (root / "val.txt").write_text("1_a\n2_b\n")
    return root


@pytest.fixture
def cityscapes(tmp_path):
    """Two snippets in val."""
    root = tmp_path / "cityscapes"
    for sequence in (0, 1):
        for number in range(30):
            save(root / f"leftImg8bit_sequence/val/ulm/ulm_{sequence:06d}_{number:06d}_leftImg8bit.png", grey(9))
        save(root / f"gtFine/val/ulm/ulm_{sequence:06d}_000019_gtFine_labelTrainIds.png", ids(3))
    return root


@pytest.fixture
def camvid(tmp_path):
    for number in (30, 60):
        save(tmp_path / f"camvid/val/0016E5_{number:05d}.png", grey(5))
        save(tmp_path / f"camvid/valannot/0016E5_{number:05d}.png", ids(3))
    return tmp_path / "camvid"


class TestWhole:
    def test_vspw(self, vspw):
        findings = check_data(f"vspw:{vspw}")
        assert findings.complete
        assert lines(findings, "found") == [
            "val.txt names 2 videos",
            "2 clips, 6 frames",
            "frames of 12x8",
            "labels of every frame; 124 classes",
        ]
        assert lines(findings, "note")[0] == "the published split has 343 videos, of which 2 are here"
        assert lines(findings, "layout") == []

    def test_cityscapes(self, cityscapes):
        findings = check_data(f"cityscapes:{cityscapes}")
        assert findings.complete
        assert lines(findings, "found")[2:] == [
            "2 clips, 60 frames",
            "frames of 12x8",
            "labels of 2 single frames; 19 classes",
        ]
        assert lines(findings, "note") == ["the published split has 500 snippets, of which 2 are here"]

    def test_camvid(self, camvid):
        assert lines(check_data(f"camvid:{camvid}"), "found") == [
            "1 clip, 2 frames",
            "frames of 12x8",
            "labels of every frame; 11 classes",
        ]

    def test_folders(self, tmp_path):
        for clip, height in (("a", 8), ("b", 16)):
            save(tmp_path / "frames" / clip / "1.png", grey(5).repeat(height // 8, axis=0))
            save(tmp_path / "labels" / clip / "1.png", ids(1).repeat(height // 8, axis=0))
        findings = check_data(f"folder:{tmp_path}/frames", f"{tmp_path}/labels", 3)
        assert lines(findings, "found")[1:] == [
            "frames of 12x8 (1 clips), 12x16 (1 clips)",
            "labels of every frame; 3 classes",
        ]
        found = lines(check_data(f"folder:{tmp_path}/frames"), "found")
        assert found[2] == "no labels, so no accuracy; classes are not known; give --classes"

    def test_many_clips(self, tmp_path):
        """25 clips: every third is looked into."""
        for clip in range(25):
            save(tmp_path / f"{clip}/1.png", grey(5))
        assert lines(check_data(f"folder:{tmp_path}"), "found")[:2] == [
            "25 clips, 25 frames",
            "frames of 12x8, in the 9 clips that were looked into",
        ]

    def test_a_video(self, tmp_path):
        write_video(tmp_path / "street.mp4", [grey(5)] * 4, fps=15)
        assert lines(check_data(str(tmp_path / "street.mp4")), "found")[:2] == ["1 clip, 4 frames", "frames of 12x8"]

    def test_what_is_rendered(self):
        found = lines(check_data("synthetic:clips=2,frames=3,size=64x96"), "found")
        assert found == ["2 clips, 6 frames", "frames of 96x64", "labels of every frame; 12 classes"]


class TestMissing:
    """Each thing that is missing is named, and opening the data is refused too."""

    @pytest.fixture(autouse=True)
    def _refused_as_well(self, monkeypatch):
        self.specs = []
        yield
        for spec in self.specs:
            with pytest.raises(UserError):
                open_dataset(spec)

    def missing(self, spec, *options):
        self.specs += [] if options else [spec]
        findings = check_data(spec, *options)
        assert not findings.complete
        return lines(findings, "missing")

    @pytest.mark.parametrize("kind", ["vspw", "cityscapes", "camvid", "folder"])
    def test_everything(self, tmp_path, kind):
        assert self.missing(f"{kind}:{tmp_path}/gone")[0] == f"folder {tmp_path}/gone"

    def test_vspw(self, vspw):
        (vspw / "data/1_a/mask/00000002.png").unlink()
        (vspw / "data/2_b/mask/00000001.png").unlink()
        (vspw / "val.txt").write_text("1_a\n2_b\n3_c\n")
        assert self.missing(f"vspw:{vspw}") == [
            f"1 of 3 videos have no frames; the first: {vspw}/data/3_c/origin",
            f"2 of 6 frames have no label map; the first: {vspw}/data/1_a/mask/00000002.png",
        ]
        assert "PATH/data/VIDEO/origin" in check_data(f"vspw:{vspw}").text()

    def test_a_split_of_vspw(self, vspw):
        assert self.missing(f"vspw:{vspw},split=train") == [f"file {vspw}/train.txt, with the name of a video a line"]

    def test_folders_of_cityscapes(self, cityscapes):
        (cityscapes / "leftImg8bit_sequence").rename(cityscapes / "leftImg8bit")
        findings = check_data(f"cityscapes:{cityscapes}")
        assert lines(findings, "missing") == [f"folder {cityscapes}/leftImg8bit_sequence/val"]
        assert "needed is leftImg8bit_sequence_trainvaltest.zip" in lines(findings, "note")[0]

    def test_frames_of_cityscapes(self, cityscapes):
        for number in (3, 4):
            (cityscapes / f"leftImg8bit_sequence/val/ulm/ulm_000001_{number:06d}_leftImg8bit.png").unlink()
        assert self.missing(f"cityscapes:{cityscapes}") == [
            "1 of 2 labelled snippets lack frames; the first: ulm_000001_000003_leftImg8bit.png (2 of 30 frames)"
        ]

    def test_labels_of_cityscapes(self, cityscapes):
        (cityscapes / "gtFine/val/ulm/ulm_000001_000019_gtFine_labelTrainIds.png").unlink()
        first = cityscapes / "leftImg8bit_sequence/val/ulm/ulm_000001_000000_leftImg8bit.png"
        assert self.missing(f"cityscapes:{cityscapes}") == [
            f"30 of 60 frames are in no labelled snippet; the first: {first}"
        ]

    def test_labels_of_camvid(self, camvid):
        (camvid / "valannot/0016E5_00060.png").unlink()
        assert self.missing(f"camvid:{camvid}") == [
            f"1 of 2 frames have no label map; the first: {camvid}/valannot/0016E5_00060.png"
        ]

    def test_labels_of_folders(self, tmp_path):
        save(tmp_path / "frames/1.png", grey(5))
        (tmp_path / "labels").mkdir()
        assert self.missing(f"folder:{tmp_path}/frames", f"{tmp_path}/labels") == [
            "the number of classes of the labels; give --classes",
            f"1 of 1 frames have no label map; the first: {tmp_path}/labels/1.png",
        ]

    def test_labels_of_other_classes(self, camvid):
        save(camvid / "valannot/0016E5_00030.png", ids(77))
        (line,) = lines(check_data(f"camvid:{camvid}"), "missing")
        assert re.search(r"id 77 at row 0, column 0; ids are 0 to 10", line)

    def test_a_damaged_video(self, tmp_path):
        (tmp_path / "street.mp4").write_bytes(b"no video")
        (line,) = self.missing(f"video:{tmp_path}/street.mp4")
        assert "cannot be read as a video" in line

    def test_no_kind_of_data(self):
        with pytest.raises(UserError, match="'nothing:PATH' is neither a data set nor a path that exists"):
            check_data("nothing:PATH")
