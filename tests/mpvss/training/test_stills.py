"""Key frames made from stills: what moves, what stays, and what comes to light."""

import numpy as np
import pytest
import torch

from mpvss.training import stills
from mpvss.training.augment import Augmentation
from mpvss.training.pairs import Sampler
from mpvss.training.stills import StillMotion

HEIGHT, WIDTH = 60, 80
BESIDE, THING, OTHER = 0, 1, 2
GREYS = np.array([40, 120, 200], np.uint8)
"""The grey of each class."""


@pytest.fixture
def held(monkeypatch):
    """The camera stands still."""
    for name in ("PAN", "DRIVE", "ROLL", "SHAKE"):
        monkeypatch.setattr(stills, name, 0.0)


def scene():
    """A square thing, and another of another class, before a ground; grey by class."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[20:32, 24:36] = THING
    labels[40:48, 60:68] = OTHER
    return GREYS[labels][None].repeat(3, 0), labels


class Still:
    name, labelled = "still", (0,)

    def frame(self, index):
        assert index == 0
        return scene()

    def flow(self, index, key):
        raise AssertionError("nobody asks for the flow of a still")


@pytest.mark.usefixtures("held")
def test_nothing_that_moves_is_the_still(monkeypatch):
    monkeypatch.setattr(stills, "SPEED", 0.0)
    image, labels = scene()
    made = StillMotion().key_frame(image, labels, 10, np.random.default_rng(0))
    assert np.array_equal(made[0], image)
    assert np.array_equal(made[1], labels)


@pytest.mark.parametrize("seed", range(5))
def test_labels_go_where_their_pixels_go(seed):
    image, labels = scene()
    made, made_labels = StillMotion().key_frame(image, labels, 6, np.random.default_rng(seed))
    assert not np.array_equal(made_labels, labels)
    inside = made_labels != 255
    assert inside.mean() > 0.6
    nearest = np.abs(made[0][..., None].astype(int) - GREYS).argmin(-1)
    assert (nearest == made_labels)[inside].mean() > 0.98  # outlines are mixed


@pytest.mark.usefixtures("held")
def test_an_object_moves_and_shows_the_ground_behind_it(monkeypatch):
    monkeypatch.setattr(stills, "SPEED", 0.3)
    image, labels = scene()
    motion = StillMotion(moving=(THING,))
    moved = 0
    for seed in range(12):
        made, made_labels = motion.key_frame(image, labels, 5, np.random.default_rng(seed))
        # The other class is not named, so nothing but the thing, come over it, can change it.
        changed = (made_labels != OTHER) & (labels == OTHER)
        assert (made_labels[changed] == THING).all()
        left = (labels == THING) & (made_labels != THING)
        assert (made_labels[left] == BESIDE).all()
        apart = left & (np.abs(made[0].astype(int) - 120) > 5)
        assert (made[0][apart] <= 120).all()  # ground, or mixed with the thing's edge
        moved += left.any()
    assert 2 < moved < 12  # about half of the time it stays


@pytest.mark.usefixtures("held")
def test_regions_beyond_the_named_sizes_stay(monkeypatch):
    monkeypatch.setattr(stills, "SPEED", 1.0)
    image, labels = scene()
    for region in ((0.1, 0.2), (0.0001, 0.001)):
        monkeypatch.setattr(stills, "REGION", region)
        assert np.array_equal(StillMotion().key_frame(image, labels, 10, np.random.default_rng(1))[1], labels)


def test_more_moves_over_a_greater_distance():
    image, labels = scene()

    def changed(distance):
        draws = (StillMotion().key_frame(image, labels, distance, np.random.default_rng(seed)) for seed in range(20))
        return np.mean([(made != labels).mean() for _, made in draws])

    assert changed(1) < changed(4) < changed(10)


def test_a_sampler_of_stills_follows_from_seed_step_and_index():
    def draw(seed, step, index, distance=10):
        augmentation = Augmentation((48, 64), scale=(1.0, 1.0))
        return Sampler([Still()], augmentation, distance, seed, stills=StillMotion()).example(step, index)

    example, again, other = draw(1, 2, 3), draw(1, 2, 3), draw(1, 2, 4)
    assert torch.equal(example.key_frames, again.key_frames)
    assert not torch.equal(example.key_frames, other.key_frames)
    assert not torch.equal(example.key_frames, example.frames)
    assert {draw(0, step, 0, 3).names[0] for step in range(30)} == {f"still[0] from {n} before" for n in (1, 2, 3)}
    with pytest.raises(ValueError, match="no labelled frame with a frame before it"):
        Sampler([Still()], Augmentation((48, 64)), 10, 0)
