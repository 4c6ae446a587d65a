"""Pairs: one geometry for frames, labels and flow; everything follows from seed, step and index."""

import colorsys

import numpy as np
import pytest
import torch

from mpvss.training.augment import Augmentation, Colour, View
from mpvss.training.pairs import Sampler
from mpvss.warp import warp

HEIGHT, WIDTH = 60, 90


class MovingClip:
    """A smooth picture that moves by (3, −2) pixels a frame; labels follow its red channel."""

    def __init__(self, name="clip", length=15, labelled=None):
        self.name = name
        self.labelled = range(length) if labelled is None else labelled
        self.asked = []

    def frame(self, index):
        self.asked.append(index)
        y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
        x, y = x + 3 * index, y - 2 * index
        red = 127 + 100 * np.sin(x / 9) * np.cos(y / 11)
        image = np.stack((red, 127 + 100 * np.cos(x / 13), 127 + 100 * np.sin(y / 8)))
        return image.round().astype(np.uint8), (red > 127).astype(np.uint8)

    def flow(self, index, key):
        """What is at p now was at p + (3, −2)·(distance) in the key frame."""
        flow = np.empty((2, HEIGHT, WIDTH), np.float32)
        flow[0], flow[1] = 3 * (index - key), -2 * (index - key)
        return flow, np.zeros((HEIGHT, WIDTH), bool)


def plain(crop=(HEIGHT, WIDTH), **changes):
    return Augmentation(crop, **{"scale": (1.0, 1.0), "flip": False, "jitter": False, **changes})


@pytest.mark.parametrize("scale", [(1.0, 1.0), (0.5, 0.5), (1.7, 1.7), (0.5, 2.0)])
@pytest.mark.parametrize("seed", range(4))
def test_warping_the_key_frame_by_the_flow_gives_the_frame(scale, seed):
    sampler = Sampler([MovingClip()], plain((48, 64), scale=scale, flip=True), 3, seed, with_flow=True)
    batch = sampler.batch(0, range(4))
    flow = batch.flow.nan_to_num()
    warped = warp(batch.key_frames.float(), flow)
    # A view's content begins at its corner. Where the flow leads out of it, the key frame's view shows nothing.
    inside = batch.labels != 255
    height, width = (inside.any(axis).sum(1)[:, None, None] for axis in (2, 1))
    y, x = torch.meshgrid(torch.arange(48), torch.arange(64), indexing="ij")
    x, y = x + flow[:, 0], y + flow[:, 1]
    seen = inside & (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    assert seen.float().mean() > 0.2
    error = (warped - batch.frames).abs().amax(1)[seen]
    assert error.mean() < 2.5  # rounding to 8 bits and resampling; a wrong sign or scale gives tens
    labels_follow = (batch.frames[:, 0] > 127) == (batch.labels == 1)
    assert labels_follow[inside].float().mean() > 0.93  # of halved frames, outlines differ
    assert (batch.frames[:, 0][~inside] == 128).all()
    assert batch.flow.isnan().any(1)[~inside].all()


def test_without_chance_the_example_is_the_frame():
    clip = MovingClip(labelled=[7])
    batch = Sampler([clip], plain(), None, 0, with_flow=True).batch(3, [0])
    image, labels = clip.frame(7)
    assert torch.equal(batch.frames[0], torch.from_numpy(image))
    assert torch.equal(batch.labels[0], torch.from_numpy(labels))
    assert batch.key_frames is None
    assert batch.flow is None


def test_examples_follow_from_seed_step_and_index():
    def draw(seed, step, index):
        return Sampler([MovingClip("a"), MovingClip("b")], Augmentation((32, 32)), 10, seed).batch(step, [index])

    again = [draw(1, 2, 3) for _ in range(2)]
    assert torch.equal(again[0].frames, again[1].frames)
    assert again[0].seeds == again[1].seeds
    others = [draw(1, 2, 4), draw(1, 3, 3), draw(2, 2, 3)]
    assert len({again[0].seeds, *(other.seeds for other in others)}) == 4
    whole = Sampler([MovingClip("a"), MovingClip("b")], Augmentation((32, 32)), 10, 1).batch(2, [3, 4])
    assert torch.equal(whole.frames, torch.cat((again[0].frames, others[0].frames)))


def test_the_key_frame_is_the_earlier_one_at_every_distance_up_to_the_greatest():
    clip = MovingClip(length=30)
    sampler = Sampler([clip], plain((8, 8)), 4, 0)
    distances = set()
    for step in range(60):
        clip.asked.clear()
        sampler.example(step, 0)
        current, key = clip.asked
        distances.add(current - key)
    assert distances == {1, 2, 3, 4}


def test_a_frame_alone_labelled_is_always_the_current_one():
    clip = MovingClip(length=30, labelled=[19])
    sampler = Sampler([clip], plain((8, 8)), 10, 0)
    assert {int(sampler.example(step, 0).names[0].split("[")[1][:2]) for step in range(5)} == {19}


@pytest.mark.parametrize(
    ("clips", "distance", "message"),
    [
        ([], 10, "no clips"),
        ([MovingClip(labelled=[0])], 10, "clip clip has no labelled frame with a frame before it"),
        ([MovingClip(labelled=[])], None, "clip clip has no labelled frame"),
        ([MovingClip()], 0, "max_distance is 0"),
    ],
)
def test_what_cannot_be_sampled_is_refused(clips, distance, message):
    with pytest.raises(ValueError, match=message):
        Sampler(clips, plain(), distance, 0)


def test_flow_of_a_flipped_view_of_twice_the_size():
    """A window of 4x6 shown at 8x12: 3 pixels right and 1 down become 6 left and 2 down."""
    view = View((2, 1), (4, 6), (8, 12), (8, 12), True)
    flow = np.empty((2, 10, 10), np.float32)
    flow[0], flow[1] = 3, 1
    seen = view.flow(flow)
    assert seen.shape == (2, 8, 12)
    assert (seen[0] == -6).all()
    assert (seen[1] == 2).all()


def test_hue_and_saturation_are_those_of_colorsys():
    image = np.random.default_rng(0).integers(0, 256, (3, 5, 7), dtype=np.uint8)
    image[:, 0, 0], image[:, 0, 1], image[:, 0, 2] = 0, 255, 77
    changed = Colour(0.0, 1.0, True, 0.7, 0.08).apply(image)
    for row in range(5):
        for column in range(7):
            hue, saturation, value = colorsys.rgb_to_hsv(*(image[:, row, column] / 255))
            expected = np.array(colorsys.hsv_to_rgb((hue + 0.08) % 1, saturation * 0.7, value)) * 255
            np.testing.assert_allclose(changed[:, row, column], expected, atol=0.51)


def test_brightness_and_contrast():
    image = np.full((3, 2, 2), 100, np.uint8)
    assert (Colour(20.0, 1.5, True, 1.0, 0.0).apply(image) == 180).all()
    assert (Colour(-32.0, 0.5, False, 1.0, 0.0).apply(image) == 34).all()
    assert (Colour(32.0, 2.0, True, 1.0, 0.0).apply(image) == 255).all()


@pytest.mark.parametrize("wrong", [{"crop": (0, 4)}, {"scale": (2.0, 0.5)}, {"scale": (0.0, 1.0)}])
def test_impossible_augmentations_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Augmentation(**{"crop": (4, 4), **wrong})
