import numpy as np
import pytest
from image_trees import grey, ids, save
from PIL import Image

from bench.data import open_dataset
from bench.data.image_files import read_frame, read_labels
from mpvss.errors import UserError


def test_frames_come_in_natural_order(tmp_path):
    for number in (10, 2, 1):
        save(tmp_path / f"frame_{number}.png", grey(number))
    (clip,) = open_dataset(f"folder:{tmp_path}").clips
    frames = list(clip.frames())
    assert [frame.name for frame in frames] == ["frame_1", "frame_2", "frame_10"]
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 2, 10]
    assert (clip.num_frames, clip.labelled, frames[0].labels) == (3, False, None)


def test_images_are_rgb_channels_first(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    save(tmp_path / "a.png", picture)
    image = read_frame(tmp_path / "a.png")
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, picture.transpose(2, 0, 1))


def test_each_subfolder_is_a_clip(tmp_path):
    for name in ("b10", "b9", "a"):
        save(tmp_path / "frames" / name / "0.jpg", grey(5))
        save(tmp_path / "labels" / name / "0.png", ids(1))
    dataset = open_dataset(f"folder:{tmp_path}/frames", labels=str(tmp_path / "labels"), num_classes=2)
    assert [clip.name for clip in dataset.clips] == ["a", "b9", "b10"]
    assert dataset.num_classes == len(dataset.palette) == 2
    for clip in dataset.clips:
        (frame,) = clip.frames()
        np.testing.assert_array_equal(frame.labels, ids(1))


def test_labels_may_lie_inside_the_folder_of_frames(tmp_path):
    save(tmp_path / "0.jpg", grey(5))
    save(tmp_path / "labels" / "0.png", ids(1))
    dataset = open_dataset(str(tmp_path), labels=str(tmp_path / "labels"), num_classes=2)
    assert [clip.num_frames for clip in dataset.clips] == [1]


def test_palette_labels_give_their_indices(tmp_path):
    indexed = Image.fromarray(ids(1)).convert("P")
    indexed.putpalette([9, 9, 9, 200, 0, 0])
    indexed.putdata([1] * 96)
    indexed.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), ids(1))


@pytest.mark.parametrize(("mode", "value", "red"), [("L", 7, 7), ("RGBA", (1, 2, 3, 0), 1), ("1", 1, 255)])
def test_frames_of_other_modes_become_rgb(tmp_path, mode, value, red):
    Image.new(mode, (12, 8), value).save(tmp_path / "a.png")
    image = read_frame(tmp_path / "a.png")
    assert (image.shape, image[0, 0, 0]) == ((3, 8, 12), red)


def test_refuses_a_frame_of_16_bits(tmp_path):
    save(tmp_path / "a.png", np.full((8, 12), 40000, np.uint16))
    with pytest.raises(ValueError, match=r"a\.png is of mode I;16; frames have 8 bits a channel"):
        read_frame(tmp_path / "a.png")


def test_refuses_a_picture_that_is_too_large_before_decoding_it(tmp_path, monkeypatch):
    save(tmp_path / "a.png", grey(1, (8, 12)))
    monkeypatch.setattr("bench.data.image_files.MOST_PIXELS", 96)
    assert read_frame(tmp_path / "a.png").shape == (3, 8, 12)
    monkeypatch.setattr("bench.data.image_files.MOST_PIXELS", 95)
    with pytest.raises(UserError, match=r"a\.png has 96 pixels; an image may have 95"):
        read_frame(tmp_path / "a.png")


def test_refuses_an_image_that_may_not_be_opened(tmp_path, monkeypatch):
    def refuse(path, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(path))

    save(tmp_path / "a.png", grey(1))
    monkeypatch.setattr(Image, "open", refuse)
    with pytest.raises(UserError, match=r"a\.png cannot be read as an image: .*Permission denied"):
        read_frame(tmp_path / "a.png")


def test_refuses_labels_in_colour(tmp_path):
    save(tmp_path / "a.png", grey(1))
    with pytest.raises(ValueError, match=r"a\.png is of mode RGB; a label map has one 8-bit channel"):
        read_labels(tmp_path / "a.png")


def test_refuses_an_id_that_is_no_class_and_names_the_file(tmp_path):
    save(tmp_path / "frames/a.png", grey(1))
    save(tmp_path / "labels/a.png", ids(4))
    (clip,) = open_dataset(f"folder:{tmp_path}/frames", labels=f"{tmp_path}/labels", num_classes=4).clips
    with pytest.raises(ValueError, match=r"clip frames, frame a, labels .*labels/a\.png: id 4 at row 0, column 0"):
        list(clip.frames())


def test_refuses_frames_of_two_sizes_when_it_comes_to_the_second(tmp_path):
    save(tmp_path / "0.png", grey(1))
    save(tmp_path / "1.png", grey(1, (8, 14)))
    frames = open_dataset(str(tmp_path)).clips[0].frames()
    next(frames)
    with pytest.raises(ValueError, match="frame 1: the frame is 14x8 and the clip's first 12x8"):
        next(frames)


def test_refuses_a_frame_without_a_label_map_before_reading_any(tmp_path):
    for name in ("0", "1"):
        save(tmp_path / "frames" / f"{name}.png", grey(1))
    save(tmp_path / "labels/0.png", ids(0))
    with pytest.raises(ValueError, match=r"frames/1\.png has no label map: expected .*labels/1 with one of"):
        open_dataset(f"folder:{tmp_path}/frames", labels=f"{tmp_path}/labels", num_classes=2)


def test_lossy_label_maps_are_not_taken(tmp_path):
    save(tmp_path / "frames/0.png", grey(1))
    save(tmp_path / "labels/0.jpg", ids(0))
    with pytest.raises(ValueError, match="has no label map"):
        open_dataset(f"folder:{tmp_path}/frames", labels=f"{tmp_path}/labels", num_classes=2)


def test_refuses_a_clip_without_its_folder_of_labels(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / "frames" / name / "0.png", grey(1))
    save(tmp_path / "labels/a/0.png", ids(0))
    with pytest.raises(ValueError, match="labels/b does not exist"):
        open_dataset(f"folder:{tmp_path}/frames", labels=f"{tmp_path}/labels", num_classes=2)


def test_refuses_labels_without_a_number_of_classes(tmp_path):
    save(tmp_path / "0.png", grey(1))
    with pytest.raises(ValueError, match="how many classes"):
        open_dataset(str(tmp_path), labels=str(tmp_path))


def test_refuses_a_folder_that_is_missing_empty_or_both_kinds(tmp_path):
    with pytest.raises(ValueError, match="nowhere does not exist"):
        open_dataset(f"folder:{tmp_path}/nowhere")
    with pytest.raises(ValueError, match=r"holds no frames; looked for \.png"):
        open_dataset(f"folder:{tmp_path}")
    save(tmp_path / "0.png", grey(1))
    with pytest.raises(ValueError, match=r"0\.png is not a folder"):
        open_dataset(f"folder:{tmp_path}/0.png")
    save(tmp_path / "more/0.png", grey(1))
    with pytest.raises(ValueError, match=r"holds frames \(0\.png\) and sub-folders of frames \(more\)"):
        open_dataset(f"folder:{tmp_path}")


def test_refuses_two_files_for_one_frame(tmp_path):
    save(tmp_path / "0.png", grey(1))
    save(tmp_path / "0.jpg", grey(1))
    with pytest.raises(ValueError, match=r"holds 0\.(png|jpg) and 0\.(png|jpg)"):
        open_dataset(f"folder:{tmp_path}")


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp"])
@pytest.mark.parametrize("kept", [0, 0.5], ids=["empty", "cut"])
def test_refuses_a_damaged_image_and_names_it(tmp_path, suffix, kept):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    file = tmp_path / f"0.{suffix}"
    save(file, noise)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * kept)])
    (clip,) = open_dataset(f"folder:{tmp_path}").clips
    with pytest.raises(ValueError, match=rf"0\.{suffix} cannot be read as an image"):
        list(clip.frames())


@pytest.mark.parametrize(
    "content",
    [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", b"8BPS\0\1", b"BLP2", b"\0\0\0 ftypavif", b"GIF89a"],
    ids=["EPS", "PSD", "BLP", "AVIF", "GIF"],
)
def test_what_a_file_is_by_its_content_counts_and_no_program_is_started(tmp_path, monkeypatch, content):
    """Pillow gives EPS to Ghostscript, whatever the file is called."""
    monkeypatch.setattr("subprocess.Popen", lambda *args, **kwargs: pytest.fail("a program was started"))
    (tmp_path / "a.png").write_bytes(content + bytes(4000))
    with pytest.raises(UserError, match=r"a\.png cannot be read as an image"):
        read_frame(tmp_path / "a.png")


def test_hidden_files_and_others_are_left_out(tmp_path):
    save(tmp_path / "0.png", grey(1))
    (tmp_path / "._0.png").write_bytes(b"resource fork")
    (tmp_path / "notes.txt").write_text("not a frame")
    assert open_dataset(f"folder:{tmp_path}").clips[0].num_frames == 1


def test_identity_follows_the_files_and_not_where_they_lie(tmp_path):
    def tree(parent, value):
        save(tmp_path / parent / "seq/0.png", grey(value))
        return open_dataset(f"folder:{tmp_path / parent / 'seq'}").identity

    assert tree("here", 1) == tree("there", 1)
    assert str(tmp_path) not in tree("here", 1)
    before = tree("here", 1)
    save(tmp_path / "here/seq/1.png", grey(1))
    assert tree("here", 1) != before


def test_some_frames_are_held_back(tmp_path):
    for number in range(7):
        save(tmp_path / f"{number}.png", grey(number))

    def names(options):
        (clip,) = open_dataset(f"folder:{tmp_path}{options}").clips
        assert clip.num_frames == len(list(clip.frames()))
        return [frame.name for frame in clip.frames()]

    assert names(",take=3") == ["0", "3", "6"]
    assert names(",leave=3") == ["1", "2", "4", "5"]
    identities = {open_dataset(f"folder:{tmp_path}{options}").identity for options in ("", ",take=3", ",leave=3")}
    assert len(identities) == 3


def test_squeezed_frames_are_stretched(tmp_path):
    save(tmp_path / "frames/0.png", grey(7))
    save(tmp_path / "labels/0.png", np.repeat(np.uint8([0, 1]), 6)[None].repeat(8, 0))
    dataset = open_dataset(f"folder:{tmp_path}/frames,size=8x24", labels=f"{tmp_path}/labels", num_classes=2)
    frame = dataset.clips[0].frame(0)
    assert (frame.image.shape, frame.image.min(), frame.image.max()) == ((3, 8, 24), 7, 7)
    np.testing.assert_array_equal(frame.labels, np.repeat(np.uint8([0, 1]), 12)[None].repeat(8, 0))


def test_a_folder_whose_name_looks_like_an_option(tmp_path):
    save(tmp_path / "a,take=2" / "0.png", grey(1))
    save(tmp_path / "a,take=2" / "1.png", grey(1))
    assert open_dataset(f"folder:{tmp_path}/a,take=2").clips[0].num_frames == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (",take=1", "take is 1; it must be 2 or more"),
        (",take=2,leave=2", "take=2 and leave=2 exclude each other"),
        (",leave=2", "holds one frame, which leave=2 leaves out"),
        (",size=0x4", "the frame size is 0x4"),
        (",every=2", "folder: unknown option 'every'; options are size, take, leave"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message, tmp_path):
    save(tmp_path / "0.png", grey(1))
    with pytest.raises(UserError, match=message):
        open_dataset(f"folder:{tmp_path}{options}")
