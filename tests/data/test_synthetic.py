import hashlib
from itertools import islice, pairwise

import numpy as np
import pytest

from bench.data import open_dataset
from bench.data.synthetic import NAMES, SPLITS, Scene, scene_seed
from bench.metrics import confusion_matrix, mean_iou

STREETS = [scene_seed("test", clip) for clip in (0, 2, 4)]
ROOMS = [scene_seed("test", clip) for clip in (1, 3, 5)]
SMALL = (96, 160)


def taken_from(flow):
    """Rows and columns, rounded, of the pixels that a flow points to."""
    y, x = np.indices(flow.shape[1:])
    return np.floor(y + flow[1] + 0.5).astype(int), np.floor(x + flow[0] + 0.5).astype(int)


def warp(picture, flow):
    row, column = taken_from(flow)
    return picture[..., row.clip(0, flow.shape[1] - 1), column.clip(0, flow.shape[2] - 1)]


def test_default_and_given_amounts():
    default = open_dataset("synthetic")
    assert default.identity == "synthetic:split=test,clips=40,frames=30,size=192x320,seed=0"
    assert [clip.num_frames for clip in default.clips] == [30] * 40
    assert (default.num_classes, default.class_names, len(default.palette)) == (12, NAMES, 12)
    given = open_dataset("synthetic:clips=2,frames=3,split=train,size=48x64,seed=3")
    assert given.identity == "synthetic:split=train,clips=2,frames=3,size=48x64,seed=3"
    assert [len(list(clip.frames())) for clip in given.clips] == [3, 3]
    assert next(given.clips[0].frames()).image.shape == (3, 48, 64)


def test_a_frame_follows_from_seed_and_number_alone():
    clip = open_dataset("synthetic:clips=2,frames=9,size=48x64,seed=5").clips[1]
    *_, last = clip.frames()
    alone = Scene(scene_seed("test", 1, 5), (48, 64)).frame(8)
    np.testing.assert_array_equal(alone.image, last.image)
    np.testing.assert_array_equal(alone.labels, last.labels)


@pytest.mark.parametrize(
    ("seed", "labels", "image"),
    [(STREETS[0], "ee7a3101b8320461", "dbe953a8e187e19c"), (ROOMS[0], "c3093e63e04dc9eb", "f04c67fe2f458d2a")],
)
def test_the_pixels_are_the_same_on_every_machine(seed, labels, image):
    # Digests of what came out once: another renderer would change results that were kept.
    frame = Scene(seed, SMALL).frame(7)
    assert hashlib.sha256(frame.labels.tobytes()).hexdigest()[:16] == labels
    assert hashlib.sha256(frame.image.tobytes()).hexdigest()[:16] == image


def test_splits_and_seeds_share_no_scene():
    most = 999_999
    ranges = [(scene_seed(split, 0, 0), scene_seed(split, most, most)) for split in SPLITS]
    assert all(high < low for (_, high), (low, _) in pairwise(ranges))
    assert scene_seed("val", most, 4) < scene_seed("val", 0, 5)
    with pytest.raises(ValueError, match=r"both must be within 0\.\.999999"):
        scene_seed("train", 1_000_000)
    with pytest.raises(ValueError, match="split is 'all'; it must be one of train, val, test"):
        scene_seed("all", 0)


@pytest.mark.parametrize("split", SPLITS)
def test_every_split_has_streets_and_rooms(split):
    names = [clip.name for clip in open_dataset(f"synthetic:split={split},clips=4").clips]
    assert names == [f"{split}-000-street", f"{split}-001-room", f"{split}-002-street", f"{split}-003-room"]


def test_every_class_occurs_in_a_handful_of_clips():
    pixels = np.zeros(len(NAMES), int)
    for clip in open_dataset("synthetic:clips=10,frames=2,size=96x160").clips:
        for frame in clip.frames():
            pixels += np.bincount(frame.labels.ravel(), minlength=len(NAMES))
    assert (pixels / pixels.sum() > 0.001).all(), dict(zip(NAMES, pixels, strict=True))


def test_frames_are_drawn_as_they_are_asked_for():
    (clip,) = open_dataset("synthetic:clips=1,frames=100000000,size=32x32").clips
    assert [frame.name for frame in islice(clip.frames(), 2)] == ["000000", "000001"]


@pytest.mark.parametrize("seed", STREETS + ROOMS)
def test_ground_truth_flow_carries_the_labels_over(seed):
    """What differs outside occlusions lies within a pixel of a boundary, but for a strip thinner than a pixel."""
    scene = Scene(seed)
    for index, key_index in ((4, 0), (19, 10)):
        labels, key_labels = scene.frame(index).labels, scene.frame(key_index).labels
        flow, occluded = scene.flow(index, key_index)
        wrong = (warp(key_labels, flow) != labels) & ~occluded
        assert wrong.sum() <= 0.01 * (~occluded).sum()
        padded = np.pad(key_labels, 1, mode="edge")
        around = [
            warp(padded[y : y + labels.shape[0], x : x + labels.shape[1]], flow) for y in range(3) for x in range(3)
        ]
        assert (np.array(around) != labels).all(axis=0)[wrong].sum() <= 2


def test_ground_truth_flow_carries_the_labels_over_in_all():
    wrong = total = 0
    for seed in STREETS + ROOMS:
        scene = Scene(seed)
        flow, occluded = scene.flow(9, 0)
        wrong += ((warp(scene.frame(0).labels, flow) != scene.frame(9).labels) & ~occluded).sum()
        total += (~occluded).sum()
    assert wrong < 0.005 * total


@pytest.mark.parametrize("seed", [STREETS[0], STREETS[2], ROOMS[0], ROOMS[1]])
def test_ground_truth_flow_carries_the_colours_over_where_light_does_not_change(seed):
    scene = Scene(seed)
    now, key = (scene.painting(index).image() for index in (9, 0))
    flow, occluded = scene.flow(9, 0)
    moved = abs(warp(key, flow) - now).max(axis=0)[~occluded]
    stayed = abs(key - now).max(axis=0)[~occluded]
    assert (moved < 40).mean() > 0.93
    assert moved.mean() < 0.5 * stayed.mean()


@pytest.mark.parametrize("seed", STREETS + ROOMS)
@pytest.mark.parametrize(("index", "key_index"), [(4, 0), (60, 50), (300, 0)])
def test_the_occlusion_mask_is_what_tracing_each_pixel_gives(seed, index, key_index):
    """Pixel by pixel: what layer lies in front where its point was, in the same life, by asking every layer."""
    scene = Scene(seed, SMALL)
    flow, occluded = scene.flow(index, key_index)
    now_places, key_places = scene._places(index), scene._places(key_index)
    layers = scene.painting(index).layers
    front_first = sorted(range(len(key_places)), key=lambda number: (key_places[number].depth, -number))
    rng = np.random.default_rng(0)
    for row, column in zip(rng.integers(0, SMALL[0], 150), rng.integers(0, SMALL[1], 150), strict=True):
        own, pixel = layers[row, column], (int(column), int(row))
        x, y = column + flow[0, row, column], row + flow[1, row, column]
        at = int(np.floor(x + np.float32(0.5))), int(np.floor(y + np.float32(0.5)))
        visible = 0 <= at[0] < SMALL[1] and 0 <= at[1] < SMALL[0]
        if visible:
            seen = next(n for n in front_first if _is_solid(scene._layers[n].sprite, key_places[n].matrix, at))
            visible = seen == own
        assert occluded[row, column] == (not visible)
        if visible:  # a thing that left and came in anew is another one
            assert key_places[own].life == now_places[own].life
            there = key_places[own].matrix.point(*now_places[own].matrix.inverse().point(*pixel))
            np.testing.assert_allclose((x, y), there, atol=1e-3)


def _is_solid(sprite, matrix, pixel):
    x, y = matrix.inverse().point(*pixel)
    height, width = sprite.texels.shape
    row, column = int(np.floor(y)), int(np.floor(x))
    if sprite.wraps:
        return sprite.texels[min(max(row, 0), height - 1), column % width] >> 24 != 255
    return 0 <= row < height and 0 <= column < width and sprite.texels[row, column] >> 24 != 255


def test_flow_from_a_frame_to_itself_is_none():
    flow, occluded = Scene(STREETS[1], SMALL).flow(5, 5)
    assert flow.shape == (2, *SMALL)
    assert flow.dtype == np.float32
    assert occluded.dtype == bool
    assert not occluded.any()
    assert abs(flow).max() < 1e-6


def test_motion_is_several_pixels_in_five_frames_and_things_come_and_go():
    scenes = [Scene(seed) for seed in STREETS + ROOMS]
    medians = [np.median(np.hypot(*scene.flow(5, 0)[0])) for scene in scenes]
    assert 2 < np.median(medians) < 12
    lives = [[place.life for place in scene._places(index)] for scene in scenes for index in (0, 120)]
    assert any(before != after for before, after in zip(lives[::2], lives[1::2], strict=True))


def test_copying_a_key_frame_costs_accuracy():
    matrices = {distance: np.zeros((len(NAMES), len(NAMES)), np.int64) for distance in (1, 4, 9)}
    for seed in STREETS + ROOMS:
        scene = Scene(seed)
        for key_index in (0, 15):
            key = scene.painting(key_index).labels()
            for distance, matrix in matrices.items():
                matrix += confusion_matrix(key, scene.painting(key_index + distance).labels(), len(NAMES))
    accuracy = {distance: 100 * mean_iou(matrix) for distance, matrix in matrices.items()}
    assert 55 < accuracy[4] < 80
    assert accuracy[9] + 5 < accuracy[4] < accuracy[1] - 5


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 32), (48, 200)])
def test_smallest_and_odd_sizes(size):
    for clip in open_dataset(f"synthetic:clips=6,frames=40,size={size[0]}x{size[1]}").clips:
        assert {frame.labels.shape for frame in clip.frames()} == {size}


@pytest.mark.slow
def test_every_pixel_has_a_class_over_long_clips():
    for clip in open_dataset("synthetic:clips=20,frames=100,size=48x80").clips:
        assert sum(1 for _ in clip.frames()) == 100


def test_a_clip_gives_ground_truth_flow():
    (clip,) = open_dataset("synthetic:clips=1,frames=4,size=64x96").clips
    frames = list(clip.frames())
    assert clip.flow is not None
    flow, occluded = clip.flow(3, 0)
    row, column = (place[~occluded] for place in taken_from(flow))
    assert (frames[0].labels[row, column] == frames[3].labels[~occluded]).mean() > 0.98


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("clip=2", "unknown option 'clip'; options are split, clips, frames, size, seed"),
        ("clips", "option clips has no value; write clips=VALUE"),
        ("clips=0", "clips is 0; it must be 1 or more"),
        ("clips=1000000", "clips is 1000000; it must be under 1000000"),
        ("seed=1000000", "seed is 1000000; it must be under 1000000"),
        ("split=all", "split is 'all'; it must be one of train, val, test"),
        ("split=val,frames=-1", "frames is '-1'"),
        ("size=96", "size is '96'; it must be HEIGHTxWIDTH"),
        ("size=8x160", "height is 8; it must be 32 or more"),
        ("seed=x", "seed is 'x'"),
    ],
)
def test_refuses_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        open_dataset(f"synthetic:{options}")


def test_refuses_what_no_scene_can_be():
    with pytest.raises(ValueError, match="the seed of a scene is -1"):
        Scene(-1)
    with pytest.raises(ValueError, match="a scene of 16x64 pixels; height and width must be 32 or more"):
        Scene(0, (16, 64))
    with pytest.raises(ValueError, match="frame -1; frames are counted from 0"):
        Scene(0, (32, 32)).frame(-1)
