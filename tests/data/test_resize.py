"""Data at another frame size: made at it, or resized as it is read."""

import numpy as np
import pytest

from bench.data import Frame, open_dataset, write_video
from bench.data.resize import resize_frame


def test_a_frame_is_stretched_and_its_labels_take_the_nearest():
    image = np.full((3, 2, 2), 50, np.uint8)
    image[:, :, 1] = 150
    labels = np.array([[0, 1], [255, 3]], np.uint8)
    frame = resize_frame(Frame(image, labels, "0"), (4, 6))
    assert frame.labels is not None
    assert frame.labels.tolist() == [[0, 0, 0, 1, 1, 1]] * 2 + [[255, 255, 255, 3, 3, 3]] * 2
    assert frame.image.shape == (3, 4, 6)
    assert frame.image.flags.c_contiguous
    # Centres of six columns lie at -1/3, 0, 1/3, 2/3, 1, 4/3 between the two: linear, and level beyond their centres.
    np.testing.assert_allclose(frame.image[0, 0], [50, 50, 83.3, 116.7, 150, 150], atol=1)


def test_what_is_made_up_is_made_at_the_size_whatever_its_spec_says():
    data = open_dataset("generated:clips=1,frames=2,size=32x64", size=(48, 40))
    assert data.identity == open_dataset("generated:clips=1,frames=2,size=48x40").identity
    assert [frame.image.shape for frame in data.clips[0].frames()] == [(3, 48, 40)] * 2


def test_a_video_is_resized_and_says_so(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path, (np.full((32, 64, 3), 90, np.uint8) for _ in range(3)), fps=25)
    own, data = (open_dataset(f"video:{path}", size=size) for size in (None, (16, 48)))
    assert data.identity == f"{own.identity} size=16x48"
    assert data.frame_rate == 25
    assert [frame.image.shape for frame in data.clips[0].frames()] == [(3, 16, 48)] * 3


def test_a_size_of_no_pixels_or_of_too_many_is_refused():
    for size in ((0, 5), (1 << 14, 1 << 13)):
        with pytest.raises(ValueError, match=rf"the frame size is {size[0]}x{size[1]}; it must have 1 to 67108864"):
            open_dataset("generated", size=size)
