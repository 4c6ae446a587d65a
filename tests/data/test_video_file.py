from fractions import Fraction

import av
import numpy as np
import pytest

from bench.data import open_dataset, write_video
from bench.data.video_file import _encode
from mpvss.errors import UserError


def ramp(count, size=(64, 96)):
    for index in range(count):
        yield np.full((*size, 3), 20 + 3 * index, np.uint8)


def noise(count, size=(64, 96)):
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield rng.integers(0, 256, (*size, 3), np.uint8)


def frames_of(path):
    (clip,) = open_dataset(f"video:{path}").clips
    return list(clip.frames())


def test_frames_come_back_in_order(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path, ramp(30), fps=25)
    frames = frames_of(path)
    assert [frame.name for frame in frames] == [f"{index:06d}" for index in range(30)]
    assert frames[0].image.shape == (3, 64, 96)
    assert frames[0].image.flags.c_contiguous
    # Lossy, but within two steps of what went in; frames out of order would be three apart.
    np.testing.assert_allclose([frame.image.mean() for frame in frames], [20 + 3 * i for i in range(30)], atol=2)


def test_colours_keep_their_channels(tmp_path):
    red = np.zeros((64, 96, 3), np.uint8)
    red[..., 0] = 200
    write_video(tmp_path / "a.mp4", [red], fps=25)
    np.testing.assert_allclose(frames_of(tmp_path / "a.mp4")[0].image.mean(axis=(1, 2)), [200, 0, 0], atol=8)


def test_odd_sizes_are_made_even_by_repeating_the_edge(tmp_path):
    write_video(tmp_path / "a.mp4", ramp(3, (63, 95)), fps=25)
    image = frames_of(tmp_path / "a.mp4")[0].image
    assert image.shape == (3, 64, 96)
    np.testing.assert_allclose(image[:, -1, -1], 20, atol=3)


@pytest.mark.parametrize("fps", [25, 0.5, Fraction(30000, 1001)])
def test_frame_rate(tmp_path, fps):
    write_video(tmp_path / "a.mp4", ramp(10), fps)
    assert open_dataset(f"video:{tmp_path}/a.mp4").frame_rate == Fraction(fps)


def test_written_without_h264_too(tmp_path, monkeypatch):
    monkeypatch.setattr("av.codecs_available", {"mpeg4"})
    write_video(tmp_path / "a.mp4", ramp(30, (63, 95)), Fraction(30000, 1001))
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"
    assert len(frames_of(tmp_path / "a.mp4")) == 30


def test_a_file_appears_when_it_is_complete_and_an_old_one_stays_until_then(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_text("the old one")

    def failing():
        yield from ramp(5)
        assert path.read_text() == "the old one"
        raise RuntimeError("model failed")

    with pytest.raises(RuntimeError, match="model failed"):
        write_video(path, failing(), fps=25)
    assert path.read_text() == "the old one"
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]


def test_refuses_to_write_what_is_no_video(tmp_path):
    with pytest.raises(ValueError, match="one frame or more"):
        write_video(tmp_path / "a.mp4", [], fps=25)
    with pytest.raises(ValueError, match=r"frame 1 is \(32, 32, 3\) and the first \(64, 96, 3\)"):
        write_video(tmp_path / "a.mp4", [*ramp(1), *ramp(1, (32, 32))], fps=25)
    with pytest.raises(ValueError, match="frame rate is 0"):
        write_video(tmp_path / "a.mp4", ramp(1), fps=0)
    with pytest.raises(ValueError, match=r"a\.gif: videos are written as \.mp4"):
        write_video(tmp_path / "a.gif", ramp(1), fps=25)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts"])
def test_refuses_a_truncated_video_and_says_where(tmp_path, suffix):
    whole, cut = tmp_path / f"whole.{suffix}", tmp_path / f"cut.{suffix}"
    if suffix == "mp4":  # with its index in front, so that what is left can be read
        write_mp4_with_index_first(whole)
    else:
        kind = {"mkv": "matroska", "avi": "avi", "ts": "mpegts"}[suffix]
        with whole.open("wb") as file:
            _encode(file, kind, noise(60), Fraction(25))
    assert len(frames_of(whole)) == 60
    data = whole.read_bytes()
    for kept in (0.6, 0.75):
        cut.write_bytes(data[: int(len(data) * kept)])
        with pytest.raises(ValueError, match=rf"cut\.{suffix}.*(frame [1-9]\d|frame \d+ cannot)"):
            frames_of(cut)


def test_a_stream_of_an_unknown_codec_is_refused(tmp_path):
    with (tmp_path / "a.mkv").open("w+b") as file:
        _encode(file, "matroska", ramp(3), Fraction(25))
    content = (tmp_path / "a.mkv").read_bytes()
    for codec in (b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/ASP"):
        content = content.replace(codec, b"V_UNHEARD-OF/AA")
    assert b"V_UNHEARD-OF/AA" in content
    (tmp_path / "a.mkv").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.mkv holds a video stream of a format that cannot be decoded here"):
        frames_of(tmp_path / "a.mkv")


def write_mp4_with_index_first(path):
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for picture in noise(60):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def test_an_mp4_cut_between_two_packets_is_noticed(tmp_path):
    path = tmp_path / "a.mp4"
    write_mp4_with_index_first(path)
    with av.open(str(path)) as container:
        ends = [packet.pos + packet.size for packet in container.demux(video=0) if packet.size]
    path.write_bytes(path.read_bytes()[: ends[39]])
    with pytest.raises(ValueError, match="frame 40"):
        frames_of(path)


def test_refuses_what_is_no_video(tmp_path):
    (tmp_path / "a.mp4").write_text("hello")
    with pytest.raises(ValueError, match=r"a\.mp4 cannot be read as a video"):
        open_dataset(f"video:{tmp_path}/a.mp4")
    with pytest.raises(ValueError, match=r"b\.mp4 does not exist"):
        open_dataset(f"video:{tmp_path}/b.mp4")
    with pytest.raises(ValueError, match="cannot be read as a video"):
        open_dataset(f"video:{tmp_path}")


def test_refuses_sound_without_pictures(tmp_path):
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(ValueError, match="holds no video stream"):
        open_dataset(f"video:{path}")


def test_classes_are_the_callers(tmp_path):
    write_video(tmp_path / "a.mp4", ramp(2), fps=25)
    assert open_dataset(f"video:{tmp_path}/a.mp4").num_classes is None
    dataset = open_dataset(f"video:{tmp_path}/a.mp4", num_classes=19)
    assert (dataset.num_classes, dataset.palette.shape, dataset.labelled) == (19, (19, 3), False)
