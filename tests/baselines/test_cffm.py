"""CFFM-VSS's windows, pools and sizes."""

import pytest
import torch
import torch.nn.functional as F

from baselines.cffm import build_cffm
from baselines.cffm.layer import LearnedPool
from baselines.cffm.windows import LEVELS, NEIGHBOURS, WINDOW, relative_positions, seen_tokens
from mpvss.checkpoints import load_checkpoint

CPU = torch.device("cpu")
CASE = "cffm_b0_c124_96x160_s31"
UNUSED_CLASSIFIER = 128 + 1
"""Weights per class of the published `conv_seg`, which the paper counts and no program uses."""


def windows_of(x: torch.Tensor) -> torch.Tensor:
    """A map (H, W) cut up: (windows, tokens of each)."""
    return x.unfold(0, WINDOW, WINDOW).unfold(1, WINDOW, WINDOW).flatten(2).flatten(0, 1)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 3), (2, 3), (5, 4)])
def test_seen_tokens(rows, columns):
    """As rolling the map, and unfolding the pooled maps, have them."""
    numbers, outside = seen_tokens(rows, columns, CPU)
    count = rows * columns * WINDOW**2
    whole = torch.arange(count).view(rows * WINDOW, columns * WINDOW)
    expected = [windows_of(whole)]
    inside = torch.ones(WINDOW, WINDOW, dtype=torch.bool)
    for down in (-3, 3):
        for right in (-3, 3):
            # What a roll brings from outside: the last three rows or columns, or the first.
            new = inside.clone()
            new[slice(0, 4) if down < 0 else slice(3, 7), slice(0, 4) if right < 0 else slice(3, 7)] = False
            expected.append(windows_of(whole.roll((down, right), (0, 1)))[:, new.flatten()])
    assert sum(part.shape[1] for part in expected[1:]) == NEIGHBOURS == 132
    shapes = ((5, 1, 2, 1), (7, 1, 3, 1), (5, 2, 2, 2), (3, 3, 1, 3))  # kernel, stride, padding, tokens on a side
    blocked = [torch.zeros(rows * columns, 49 + 132, dtype=torch.bool)]
    last = count + rows * columns * (1 + 1 + 4 + 9)
    for kernel, stride, padding, side in shapes:
        size = (rows * side, columns * side)
        grid = torch.arange(count, count + size[0] * size[1], dtype=torch.float64).view(1, 1, *size)
        unfolded = F.unfold(grid, kernel, stride=stride, padding=padding)[0].T
        seen = F.unfold(torch.ones_like(grid), kernel, stride=stride, padding=padding)[0].T > 0
        expected.append(torch.where(seen, unfolded, last).long())
        blocked.append(~seen)
        count += size[0] * size[1]
    assert count == last
    assert torch.equal(numbers, torch.cat(expected, dim=1))
    assert numbers.shape[1] == 289
    assert torch.equal(outside, torch.cat(blocked, dim=1))


@pytest.mark.parametrize("seen", [7, 5, 3])
def test_relative_positions(seen):
    places = relative_positions(seen, CPU)
    for query in range(WINDOW**2):
        for key in range(seen**2):
            row = query // WINDOW - key // seen + seen - 1
            column = query % WINDOW - key % seen + seen - 1
            assert places[query, key] == row * (WINDOW + seen - 1) + column
    assert (places.min(), places.max()) == (0, (WINDOW + seen - 1) ** 2 - 1)


@pytest.mark.parametrize("level", LEVELS, ids=["target", "t-9", "t-6", "t-3"])
def test_pools(level, filled):
    pool = filled(LearnedPool(level), seed=3)
    x = torch.randn(2, 14, 21, 4, generator=torch.Generator().manual_seed(0))
    size = (2 * level.pool * level.per_window, 3 * level.pool * level.per_window)
    resized = F.interpolate(x.permute(0, 3, 1, 2), size, mode="bilinear", align_corners=False)
    weight = pool.weight.view(1, 1, level.pool, level.pool).repeat(4, 1, 1, 1)
    expected = F.conv2d(resized, weight, pool.bias.repeat(4), stride=level.pool, groups=4)
    torch.testing.assert_close(pool(x), expected.flatten(2).transpose(1, 2), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("backbone", "classes", "millions"),
    [("mit-b0", 19, 4.58), ("mit-b1", 19, 15.39), ("mit-b2", 124, 26.53), ("mit-b5", 124, 85.47)],
)
def test_parameters_as_published(backbone, classes, millions):
    with torch.device("meta"):
        network = build_cffm(backbone, classes)
    count = sum(p.numel() for p in network.parameters()) + classes * UNUSED_CLASSIFIER
    assert round(count / 1e6, 2) == millions


def test_focal_layers(undrawn, rival_state, rival_arrays, assert_near):
    golden = rival_arrays(CASE)
    with undrawn():
        network = build_cffm("mit-b0", 124).eval()
    load_checkpoint(network, rival_state(CASE))
    with torch.inference_mode():
        features = network.encode(torch.from_numpy(golden["images"]))
        *before, target = (network.reference(features.of_frame(index, 4)) for index in range(4))
        updated = network.attend(target, before)
    assert_near(updated[0].permute(2, 0, 1), golden["focal"])


def test_every_published_tensor_has_its_place(rival_shapes):
    shapes = rival_shapes(CASE)
    with torch.device("meta"):
        network = build_cffm("mit-b0", 124)
        report = load_checkpoint(network, {name: torch.empty(shape) for name, shape in shapes.items()})
    assert report.missing == ()
    indices = [name for name in shapes if "relative_position_index" in name or "valid_ind" in name]
    assert len(indices) == 6
    assert len(report.loaded) == len(shapes) - len(indices) - 2
    assert len(report.left_over) == len(indices) + 2


def test_more_layers_are_refused(undrawn, rival_state):
    """As if B0 had two layers, which B1 has."""
    state = rival_state(CASE)
    second = {name.replace("blocks.0", "blocks.1"): x for name, x in state.items() if "decoder_focal" in name}
    with undrawn():
        network = build_cffm("mit-b0", 124)
    with pytest.raises(ValueError, match="it has layers across frames 2; the module has layers across frames 1"):
        load_checkpoint(network, state | second)


def test_unknown_backbone():
    with pytest.raises(ValueError, match="CFFM-VSS has no backbone 'mit-b3'; known are mit-b0, mit-b1, mit-b2, mit-b5"):
        build_cffm("mit-b3", 19)
