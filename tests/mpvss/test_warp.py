"""The backward warp and the resizing of flows."""

import itertools

import pytest
import torch

from mpvss.propagation import warp_masks
from mpvss.warp import resize_flow, warp

SIZES = [(1, 1), (1, 7), (6, 1), (2, 2), (5, 8), (9, 17), (24, 40), (33, 31), (120, 214)]


def picture(height: int, width: int, channels: int = 3, count: int = 2) -> torch.Tensor:
    return torch.randn(count, channels, height, width, generator=torch.Generator().manual_seed(height * 1000 + width))


def constant_flow(x: float, y: float, height: int, width: int, count: int = 2) -> torch.Tensor:
    return torch.tensor([float(x), float(y)]).view(1, 2, 1, 1).expand(count, 2, height, width)


@pytest.mark.parametrize("size", SIZES)
def test_zero_flow_is_the_identity_bit_for_bit(size):
    source = picture(*size)
    assert torch.equal(warp(source, constant_flow(0, 0, *size)), source)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("x", "y"), [(1, 0), (0, -1), (-2, 3), (5, 5), (-40, 200)])
def test_whole_pixel_shifts_are_exact_and_borders_repeat(size, x, y):
    height, width = size
    source = picture(height, width)
    rows = (torch.arange(height) + y).clamp(0, height - 1)
    columns = (torch.arange(width) + x).clamp(0, width - 1)
    expected = source[:, :, rows[:, None], columns]
    assert torch.equal(warp(source, constant_flow(x, y, height, width)), expected)


def test_flow_may_differ_at_each_pixel():
    height, width = 5, 7
    source = picture(height, width, count=1)
    generator = torch.Generator().manual_seed(0)
    flow = torch.randint(-9, 10, (1, 2, height, width), generator=generator).float()
    warped = warp(source, flow)
    for row, column in itertools.product(range(height), range(width)):
        x, y = flow[0, :, row, column].long().tolist()
        at = source[0, :, min(max(row + y, 0), height - 1), min(max(column + x, 0), width - 1)]
        assert torch.equal(warped[0, :, row, column], at)


def test_half_a_pixel_is_the_mean_of_the_neighbours():
    source = picture(6, 9)
    right = warp(source, constant_flow(0.5, 0, 6, 9))
    torch.testing.assert_close(right[..., :-1], (source[..., :-1] + source[..., 1:]) / 2)
    assert torch.equal(right[..., -1], source[..., -1])
    up = warp(source, constant_flow(0, -0.5, 6, 9))
    torch.testing.assert_close(up[..., 1:, :], (source[..., 1:, :] + source[..., :-1, :]) / 2)
    assert torch.equal(up[..., 0, :], source[..., 0, :])


@pytest.mark.parametrize("x", [-1e6, 1e6])
@pytest.mark.parametrize("y", [-1e6, 1e6])
@pytest.mark.parametrize("variant", ["exact", "published"])
def test_far_outside_is_the_nearest_corner(x, y, variant):
    source = picture(6, 9)
    corner = source[:, :, 5 if y > 0 else 0, 8 if x > 0 else 0, None, None].expand_as(source)
    assert torch.equal(warp(source, constant_flow(x, y, 6, 9), variant), corner)


def test_published_zero_flow_shrinks_the_picture():
    """It samples at p·(W − 1)/W: on a ramp, whose value is its position, that is the value too."""
    height, width = 6, 10
    x = torch.arange(width, dtype=torch.float32).expand(height, width)
    y = torch.arange(height, dtype=torch.float32)[:, None].expand(height, width)
    warped = warp(torch.stack((x, y))[None], constant_flow(0, 0, height, width, count=1), "published")[0]
    torch.testing.assert_close(warped[0], x * (width - 1) / width)
    torch.testing.assert_close(warped[1], y * (height - 1) / height)


def test_published_whole_pixel_shift():
    height, width = 6, 10
    x = torch.arange(width, dtype=torch.float32).expand(height, width)
    warped = warp(x[None, None], constant_flow(3, 0, height, width, count=1), "published")[0, 0]
    torch.testing.assert_close(warped, ((x + 3) * (width - 1) / width).clamp(max=width - 1))


@pytest.mark.parametrize("size", [(12, 20), (24, 40), (7, 11), (6, 30)])
def test_resized_flow_is_in_pixels_of_its_new_grid(size):
    """A flow of a share of the picture is that share of any grid, also where sides change by different factors."""
    flow = resize_flow(constant_flow(3, -1.5, 6, 10), size)
    assert flow.shape == (2, 2, *size)
    torch.testing.assert_close(flow, constant_flow(3 * size[1] / 10, -1.5 * size[0] / 6, *size).contiguous())


def test_resized_flow_is_bilinear_between_pixel_centres():
    flow = torch.zeros(1, 2, 2, 2)
    flow[0, 0, :, 1] = 4.0
    # Centres of four columns are at −0.25, 0.25, 0.75, 1.25 of the two, and vectors double.
    expected = torch.tensor([0.0, 2.0, 6.0, 8.0]).expand(4, 4)
    torch.testing.assert_close(resize_flow(flow, (4, 4))[0, 0], expected)


def test_each_mask_moves_by_its_own_flow():
    masks = picture(12, 20, channels=3, count=1)[0]
    shifts = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, -1.0]])
    flow = (shifts / 2)[:, :, None, None].expand(3, 2, 6, 10)  # on a grid of half the size
    warped = warp_masks(masks, flow)
    for mask, moved, (x, y) in zip(masks, warped, shifts.long().tolist(), strict=True):
        rows = (torch.arange(12) + y).clamp(0, 11)
        columns = (torch.arange(20) + x).clamp(0, 19)
        assert torch.equal(moved, mask[rows[:, None], columns])


@pytest.mark.parametrize("variant", ["exact", "published"])
def test_one_flow_for_all_masks_is_that_flow_for_each(variant):
    masks = picture(12, 20, channels=5, count=1)[0]
    flow = 3 * torch.randn(1, 2, 6, 10, generator=torch.Generator().manual_seed(0))
    together = warp_masks(masks, flow, variant)
    torch.testing.assert_close(together, warp_masks(masks, flow.expand(5, -1, -1, -1), variant))


@pytest.mark.parametrize("variant", ["exact", "published"])
def test_gradients_reach_source_and_flow(variant):
    generator = torch.Generator().manual_seed(0)
    source = torch.randn(1, 2, 5, 6, dtype=torch.double, generator=generator, requires_grad=True)
    # Away from whole pixels and from the border, where the gradient jumps.
    flow = 0.2 + 0.2 * torch.rand(1, 2, 5, 6, dtype=torch.double, generator=generator)
    flow[:, 0, :, -1] = flow[:, 1, -1] = -0.3
    flow.requires_grad_()
    assert torch.autograd.gradcheck(lambda s, f: warp(s, f, variant), (source, flow))
    source_gradient, flow_gradient = torch.autograd.grad(warp(source, flow, variant).square().sum(), (source, flow))
    assert source_gradient[..., :-1, :-1].abs().min() > 0
    assert flow_gradient.abs().min() > 0


def test_flow_of_another_grid_is_refused(without_shape_checks):
    with pytest.raises(ValueError, match=r"\(3, 5\).*\(6, 10\).*resize"):
        warp(picture(6, 10), constant_flow(0, 0, 3, 5))
