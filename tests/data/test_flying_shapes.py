import hashlib

import numpy as np
import pytest

from bench.data.flying_shapes import flying_pair


def warp(picture, flow):
    y, x = np.indices(flow.shape[1:])
    row, column = np.floor(y + flow[1] + 0.5).astype(int), np.floor(x + flow[0] + 0.5).astype(int)
    return picture[..., row.clip(0, flow.shape[1] - 1), column.clip(0, flow.shape[2] - 1)]


def test_a_pair_and_its_flow():
    first, second, flow, occluded = flying_pair(0, 3, (96, 160))
    assert first.shape == second.shape == (3, 96, 160)
    assert first.dtype == second.dtype == np.uint8
    assert (flow.shape, flow.dtype) == ((2, 96, 160), np.float32)
    assert (occluded.shape, occluded.dtype) == ((96, 160), bool)


def test_the_pixels_are_the_same_on_every_machine():
    # A digest of what came out once: another renderer would change weights that were kept.
    first, second, flow, occluded = flying_pair(0, 0, (96, 160))
    seen = hashlib.sha256(b"".join(each.tobytes() for each in (first, second, occluded)))
    assert seen.hexdigest()[:16] == "8e4371533c5dcc34"
    again = flying_pair(0, 0, (96, 160))
    np.testing.assert_array_equal(again[2], flow)


def test_seeds_and_indices_differ():
    pairs = {flying_pair(seed, index, (48, 64))[0].tobytes() for seed in (0, 1) for index in (0, 1)}
    assert len(pairs) == 4


def test_the_flow_leads_to_the_same_colours():
    moved, stayed = [], []
    for index in range(8):
        first, second, flow, occluded = flying_pair(1, index)
        first, second = first.astype(float), second.astype(float)
        second *= first.mean() / second.mean()
        moved.append(abs(warp(second, flow) - first)[:, ~occluded].mean())
        stayed.append(abs(second - first)[:, ~occluded].mean())
    assert np.mean(moved) < 0.45 * np.mean(stayed)


def test_what_leaves_the_frame_is_occluded():
    _, _, flow, occluded = flying_pair(2, 0)
    y, x = np.indices(occluded.shape)
    outside = (x + flow[0] < -1) | (x + flow[0] > 320) | (y + flow[1] < -1) | (y + flow[1] > 192)
    assert outside.any()
    assert occluded[outside].all()


def test_displacements_are_mostly_small_and_reach_forty_pixels():
    lengths = np.concatenate([np.hypot(*flying_pair(3, index)[2]).ravel()[::50] for index in range(40)])
    assert 3 < np.median(lengths) < 14
    assert 30 < np.percentile(lengths, 99) < 50
    covered = np.mean([flying_pair(3, index)[3].mean() for index in range(8)])
    assert 0.02 < covered < 0.3


@pytest.mark.parametrize(
    ("seed", "index", "size", "message"),
    [
        (-1, 0, (96, 160), "pair 0 of seed -1"),
        (0, -1, (96, 160), "pair -1 of seed 0"),
        (0, 0, (96, 31), "a pair of 96x31 pixels; height and width must be 32 or more"),
    ],
)
def test_refuses_what_no_pair_can_be(seed, index, size, message):
    with pytest.raises(ValueError, match=message):
        flying_pair(seed, index, size)
