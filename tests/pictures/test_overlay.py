"""Overlays: the colours of the classes, and the mark of key frames."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from harness_fakes import Network, Wandering, small_data

from bench.data import open_dataset
from bench.evaluate.schedule import FixedInterval
from bench.pictures.overlay import OPACITY, draw, write_overlay
from bench.runs.progress import Progress

PALETTE = np.array([[200, 0, 0], [0, 100, 0]], np.uint8)


def test_a_pixel_is_a_mix_of_its_own_colour_and_its_classes():
    image = np.full((3, 40, 60), 50, np.uint8)
    labels = np.zeros((40, 60), np.uint8)
    labels[:, 30:] = 1
    drawn = draw(image, labels, PALETTE, key=False)
    assert drawn.shape == (40, 60, 3)
    ground = (1 - OPACITY) * 50
    assert drawn[0, 0] == pytest.approx([ground + OPACITY * 200, ground, ground], abs=0.51)
    assert drawn[0, 59] == pytest.approx([ground, ground + OPACITY * 100, ground], abs=0.51)


def test_key_frames_carry_a_white_square():
    image = np.full((3, 40, 60), 50, np.uint8)
    labels = np.zeros((40, 60), np.uint8)
    plain, key = (draw(image, labels, PALETTE, key=key) for key in (False, True))
    assert (key[1:4, 1:4] == 255).all()
    assert (key[0, :4] == 0).all()
    np.testing.assert_array_equal(plain[5:], key[5:])


def test_a_clip_becomes_a_video_of_its_length(tmp_path):
    dataset = small_data(clips=1, frames=7)
    out = tmp_path / "overlay.mp4"
    write_overlay(
        dataset.clips[0],
        Wandering(Network()),
        out,
        palette=dataset.palette,
        fps=Fraction(10),
        schedule=FixedInterval(3),
        device=torch.device("cpu"),
        progress=Progress(),
    )
    frames = [frame.image for frame in open_dataset(f"video:{out}").clips[0].frames()]
    assert len(frames) == 7
    assert open_dataset(f"video:{out}").frame_rate == 10
    corner = [int(frame[:, 1:4, 1:4].mean()) for frame in frames]
    assert [value > 200 for value in corner] == [True, False, False] * 2 + [True]
