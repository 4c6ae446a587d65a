"""Deformable attention: both ways of reading, and a loop over its definition."""

import math

import pytest
import torch

from mpvss.segmentor.deformable import DeformableAttention, sampled_product


def attention(dim: int, heads: int, levels: int, points: int, filled, reach: float = 3.0) -> DeformableAttention:
    module = filled(DeformableAttention(dim, heads=heads, levels=levels, points=points), seed=4).double()
    with torch.no_grad():
        module.sampling_offsets.weight.mul_(reach)  # some points end up outside of the maps
    return module


def inputs(batch: int, dim: int, sizes: list[tuple[int, int]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    count = sum(height * width for height, width in sizes)
    generator = torch.Generator().manual_seed(count)
    query = torch.randn(batch, count, dim, dtype=torch.double, generator=generator)
    tokens = torch.randn(batch, count, dim, dtype=torch.double, generator=generator)
    centres = torch.rand(count, 2, dtype=torch.double, generator=generator) * 1.2 - 0.1
    return query, tokens, centres


def read(module, query, tokens, centres, sizes, as_grid_sample):
    return module.reader(tokens, sizes, as_grid_sample=as_grid_sample)(query, centres[None])


CASES = [
    (1, 32, 4, 4, [(3, 5), (6, 10), (12, 20)]),
    (2, 24, 3, 2, [(2, 1), (1, 7), (5, 3)]),
    (2, 16, 8, 1, [(1, 1), (4, 4)]),
    (3, 8, 1, 3, [(4, 6)]),
]


@pytest.mark.parametrize(("batch", "dim", "heads", "points", "sizes"), CASES)
def test_both_readings_agree(batch, dim, heads, points, sizes, filled):
    module = attention(dim, heads, len(sizes), points, filled)
    query, tokens, centres = inputs(batch, dim, sizes)
    tokens.requires_grad_()
    query.requires_grad_()
    given = (query, tokens, *module.parameters())
    outputs, gradients = [], []
    for as_grid_sample in (False, True):
        out = read(module, query, tokens, centres, sizes, as_grid_sample)
        outputs.append(out.detach())
        gradients.append(torch.autograd.grad(out.square().sum(), given))
    torch.testing.assert_close(outputs[0], outputs[1])
    assert outputs[0].std() > 0.01
    for ours, reference in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, reference)


@pytest.mark.parametrize("as_grid_sample", [False, True])
def test_without_gradients_nothing_changes(as_grid_sample, filled):
    batch, dim, heads, points, sizes = CASES[0]
    module = attention(dim, heads, len(sizes), points, filled)
    given = inputs(batch, dim, sizes)
    with_gradients = read(module, *given, sizes, as_grid_sample).detach()
    with torch.inference_mode():
        without = read(module, *given, sizes, as_grid_sample)
    torch.testing.assert_close(without, with_gradients)


def read_bilinearly(rows: torch.Tensor, x: float, y: float) -> torch.Tensor:
    """`rows` (H, W, C) at a point in pixels, 0 outside."""
    height, width, channels = rows.shape
    total = torch.zeros(channels, dtype=rows.dtype)
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < height and 0 <= column < width:
                total += (1 - abs(y - row)) * (1 - abs(x - column)) * rows[row, column]
    return total


@pytest.mark.parametrize("as_grid_sample", [False, True])
def test_against_the_definition(as_grid_sample, filled):
    """Deformable DETR's equation 3, a point at a time."""
    sizes, heads, points, dim = [(2, 3), (4, 5)], 2, 3, 8
    module = attention(dim, heads, len(sizes), points, filled)
    query, tokens, centres = inputs(2, dim, sizes)
    with torch.no_grad():
        value = module.value_proj(tokens)
        offsets = module.sampling_offsets(query).unflatten(2, (heads, len(sizes), points, 2))
        weights = module.attention_weights(query).unflatten(2, (heads, -1)).softmax(-1)
        weights = weights.unflatten(3, (len(sizes), points))
        expected = torch.zeros_like(query)
        outside = 0
        for image in range(2):
            starts = [0, 6]
            for token in range(26):
                for head in range(heads):
                    channels = slice(head * 4, head * 4 + 4)
                    for level, (height, width) in enumerate(sizes):
                        rows = value[image, starts[level] :][: height * width, channels].view(height, width, 4)
                        for point in range(points):
                            dx, dy = offsets[image, token, head, level, point].tolist()
                            x = centres[token, 0].item() * width - 0.5 + dx
                            y = centres[token, 1].item() * height - 0.5 + dy
                            outside += not (-1 < x < width and -1 < y < height)
                            weight = weights[image, token, head, level, point]
                            expected[image, token, channels] += weight * read_bilinearly(rows, x, y)
        expected = module.output_proj(expected)
        out = read(module, query, tokens, centres, sizes, as_grid_sample)
    assert outside > 20
    torch.testing.assert_close(out, expected)


def test_a_sampled_product_is_part_of_the_whole_one():
    left, right = torch.randn(2, 3, generator=torch.Generator().manual_seed(1)), torch.arange(12.0).view(3, 4)
    columns = torch.tensor([3, 0, 0, 1, 2, 2], dtype=torch.int32)
    poison = torch.full((len(columns),), math.nan)
    del poison  # the result may come to lie where this was
    read = sampled_product(left, right, torch.tensor([0, 3, 6], dtype=torch.int32), columns)
    whole = left @ right
    expected = [whole[row, column] for row, column in zip([0, 0, 0, 1, 1, 1], columns.tolist(), strict=True)]
    torch.testing.assert_close(read, torch.stack(expected))
