import numpy as np
import pytest

from bench.data import open_dataset
from bench.data.generated import CLASS_NAMES, Scene


def test_default_and_given_amounts():
    default = open_dataset("generated")
    assert [clip.num_frames for clip in default.clips] == [30] * 4
    assert default.identity == "generated:clips=4,frames=30,size=192x320,seed=0"
    given = open_dataset("generated:clips=2,frames=3,size=96x160,seed=3")
    assert [len(list(clip.frames())) for clip in given.clips] == [3, 3]
    assert next(given.clips[0].frames()).image.shape == (3, 96, 160)


def test_a_frame_follows_from_seed_and_number_alone():
    clip = open_dataset("generated:clips=1,frames=9,size=48x64,seed=5").clips[0]
    *_, last = clip.frames()
    alone = Scene((5, 0), 48, 64).frame(8)
    np.testing.assert_array_equal(alone.image, last.image)
    np.testing.assert_array_equal(alone.labels, last.labels)


def test_the_pixels_are_the_same_on_every_machine():
    # The sum of a frame's pixels and of its labels; another generator would change results that were kept.
    frame = Scene((0, 0), 96, 160).frame(7)
    assert (int(frame.image.sum()), int(frame.labels.sum())) == (5821052, 17242)


def test_seeds_and_clips_differ():
    images = [
        next(clip.frames()).image
        for seed in (0, 1)
        for clip in open_dataset(f"generated:clips=2,frames=1,size=48x64,seed={seed}").clips
    ]
    assert len({image.tobytes() for image in images}) == 4


def test_every_class_occurs_and_most_things_move():
    seen = set()
    for clip in open_dataset("generated:frames=8").clips:
        frames = list(clip.frames())
        seen |= set(np.concatenate([frame.labels for frame in frames]).ravel().tolist())
        assert (frames[0].image != frames[-1].image).mean() > 0.5
        assert 0.02 < (frames[0].labels != frames[-1].labels).mean() < 0.7
    assert seen == set(range(len(CLASS_NAMES)))


def test_labels_move_with_the_pixels():
    """Of a shape alone on its scene, labels are where the picture differs from the scene without it."""
    scene = Scene((2, 0), 64, 96)
    shape = scene._shapes[-1]
    scene._shapes = []
    for time in range(20):
        empty = scene.frame(time)
        scene._shapes = [shape]
        full = scene.frame(time)
        scene._shapes = []
        changed = (full.image != empty.image).any(axis=0)
        np.testing.assert_array_equal(full.labels[changed], shape.label)
        assert (full.labels == shape.label)[~changed].mean() < 0.01


def test_smallest_and_odd_sizes():
    for size in ((32, 32), (33, 47)):
        clip = open_dataset(f"generated:clips=1,frames=60,size={size[0]}x{size[1]}").clips[0]
        assert {frame.labels.shape for frame in clip.frames()} == {size}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("clip=2", "unknown option 'clip'; options are clips, frames, size, seed"),
        ("clips", "option clips has no value; write clips=VALUE"),
        ("clips=0", "clips is 0; it must be 1 or more"),
        ("frames=-1", "frames is '-1'"),
        ("size=96", "size is '96'; it must be HEIGHTxWIDTH"),
        ("size=8x160", "height is 8; it must be 32 or more"),
        ("seed=x", "seed is 'x'"),
    ],
)
def test_refuses_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        open_dataset(f"generated:{options}")
