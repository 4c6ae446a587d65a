"""RAFT: published counts, its lookup and upsampling written out, its sizes."""

import pytest
import torch
import torch.nn.functional as F
from conv_counts import giga_macs, parameters

from baselines.cnn.presets import build_cnn
from baselines.raft import RAFT
from baselines.raft.correlation import RADIUS, correlation_pyramid, look_up
from baselines.raft.update import upsample_convex
from baselines.score_flow import ScoreFlow
from mpvss.checkpoints import load_checkpoint


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_counts_are_the_published():
    """5.26 M parameters; 484.15 G at 480x856 and 20 iterations, whose upsampling masks are all computed."""
    with torch.device("meta"):
        network = RAFT(execution="paper").eval()
        image = torch.empty(1, 3, 480, 856)
    assert parameters(network) == pytest.approx(5.26, abs=0.005)
    assert giga_macs(network, lambda: network(image, image)) == pytest.approx(484.15, abs=0.005)
    network.execution = "lean"
    # A mask is a 3x3 convolution of 128 to 256 channels and a 1x1 to 576, at 60x107 pixels.
    masks = 19 * (9 * 128 * 256 + 256 * 576) * 60 * 107 / 1e9
    assert giga_macs(network, lambda: network(image, image)) == pytest.approx(484.15 - masks, abs=0.005)


def test_lean_and_paper_give_the_same_flow(filled, frames):
    network = filled(RAFT(iterations=3), 1).eval()
    first, second = frames(64, 72)
    with torch.inference_mode():
        lean = network.frame_flow(first, second)
        network.execution = "paper"
        assert torch.equal(network.frame_flow(first, second), lean)


def test_lookup_at_whole_pixels_reads_the_products():
    first, second = random(1, 6, 9, 10), random(1, 6, 9, 10, seed=1)
    position = torch.randint(-3, 12, (1, 2, 9, 10), generator=torch.Generator().manual_seed(2)).float()
    found = look_up(correlation_pyramid(first, second), position)
    window = 2 * RADIUS + 1
    assert found.shape == (1, 4 * window**2, 9, 10)
    products = torch.einsum("chw,cuv->hwuv", first[0], second[0]) / 6**0.5
    for row, column in ((0, 0), (4, 7), (8, 9)):
        x, y = position[0, :, row, column].long().tolist()
        for i in range(window):
            for j in range(window):
                at_x, at_y = x + i - RADIUS, y + j - RADIUS
                inside = 0 <= at_x < 10 and 0 <= at_y < 9
                expected = products[row, column, at_y, at_x] if inside else torch.tensor(0.0)
                torch.testing.assert_close(found[0, i * window + j, row, column], expected, atol=1e-5, rtol=1e-5)


def test_lookup_between_pixels_is_the_samplers():
    """The centre of each level's window is what sampling the pooled map at position / 2^level gives."""
    first, second = random(1, 5, 16, 24), random(1, 5, 16, 24, seed=1)
    position = 14 * torch.rand(1, 2, 16, 24, generator=torch.Generator().manual_seed(3))
    found = look_up(correlation_pyramid(first, second), position)
    window = (2 * RADIUS + 1) ** 2
    products = torch.einsum("chw,cuv->hwuv", first[0], second[0]) / 5**0.5
    for level in range(4):
        pooled = F.avg_pool2d(products.flatten(0, 1)[:, None], 2**level)
        height, width = pooled.shape[2:]
        at = position[0].permute(1, 2, 0).reshape(-1, 1, 1, 2) / 2**level
        # In the sampler's units without aligned corners, pixel i lies at (2i + 1) / n - 1.
        grid = (2 * at + 1) / torch.tensor([width, height]) - 1
        expected = F.grid_sample(pooled, grid, align_corners=False).view(16, 24)
        torch.testing.assert_close(found[0, level * window + window // 2], expected, atol=1e-5, rtol=1e-4)


def test_upsampling_by_a_sure_mask_takes_that_neighbour():
    flow = random(1, 2, 4, 5)
    for neighbour, (down, right) in ((4, (0, 0)), (0, (-1, -1)), (5, (0, 1))):
        mask = torch.zeros(1, 9, 64, 4, 5)
        mask[:, neighbour] = 100.0
        moved = F.pad(flow, (1, 1, 1, 1))[..., 1 + down : 5 + down, 1 + right : 6 + right]
        expected = 8 * moved.repeat_interleave(8, 2).repeat_interleave(8, 3)
        torch.testing.assert_close(upsample_convex(flow, mask.flatten(1, 2)), expected)


@pytest.mark.parametrize(("size", "padded"), [((64, 64), (64, 64)), ((67, 93), (96, 96)), ((70, 64), (96, 64))])
def test_any_size(size, padded, filled, frames):
    network = filled(RAFT(iterations=2), 2).eval()
    frame, key = frames(*size)
    with torch.inference_mode():
        flow = network.frame_flow(frame, key)
        assert flow.shape == (1, 2, *size)
        whole = network.flow(frame, key)
    assert whole.shape == (1, 2, *padded)
    assert torch.equal(whole[..., : size[0], : size[1]], flow)
    assert whole.isfinite().all()


def test_a_padded_frame_is_the_frame_with_its_borders_repeated(filled, frames):
    network = filled(RAFT(iterations=2), 3).eval()
    pair = [frame.float() for frame in frames(66, 69)]
    by_hand = [F.pad(frame[None], (1, 2, 3, 3), mode="replicate") for frame in pair]
    with torch.inference_mode():
        torch.testing.assert_close(network.frame_flow(*pair), network(*by_hand)[..., 3:69, 1:70])


def test_without_change_nothing_moves(filled, frames):
    """A head that predicts no change leaves the flow at zero, and a constant change adds up."""
    network = filled(RAFT(iterations=3), 4).eval()
    last = network.update_block.flow_head.conv2
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    first, second = frames(64, 64)
    with torch.inference_mode():
        assert not network.frame_flow(first, second).any()
        last.bias.copy_(torch.tensor([0.25, -0.5]))
        flow = network.frame_flow(first, second)[..., 8:-8, 8:-8]  # the outermost neighbours are zero
    torch.testing.assert_close(flow, torch.tensor([3 * 2.0, 3 * -4.0]).view(1, 2, 1, 1).expand_as(flow))


def test_loads_published_names(filled):
    theirs = filled(RAFT(), 5).state_dict()
    assert {
        "fnet.conv1.weight",
        "cnet.layer2.0.norm3.running_var",
        "cnet.layer2.0.downsample.1.running_var",
        "update_block.gru.convz1.weight",
        "update_block.encoder.convf2.bias",
        "update_block.flow_head.conv2.bias",
        "update_block.mask.2.weight",
    } <= set(theirs)
    ours = RAFT()
    report = load_checkpoint(ours, {f"module.{name}": tensor for name, tensor in theirs.items()})
    assert not report.missing
    assert not report.left_over
    torch.testing.assert_close(ours.state_dict(), theirs)


def test_scores_are_warped_by_it(filled, frames):
    """With a flow of whole pixels, the key frame's scores are shifted."""
    segmentor = filled(build_cnn("pspnet", num_classes=5, depth=18), 6)
    flow = filled(RAFT(iterations=1), 7)
    last = flow.update_block.flow_head.conv2
    torch.nn.init.zeros_(last.weight)
    with torch.no_grad():
        last.bias.copy_(torch.tensor([1.0, 0.0]))  # 8 pixels to the right: one of the scores' grid
    method = ScoreFlow(segmentor=segmentor, flow=flow).eval()
    key, frame = frames(64, 96)
    with torch.inference_mode():
        first, state = method.segment(key)
        second, _ = method.propagate(frame, state)
    torch.testing.assert_close(second.coarse[:, 2:-2, 1:-2], first.coarse[:, 2:-2, 2:-1], atol=1e-4, rtol=1e-4)


@pytest.mark.usefixtures("without_shape_checks")
def test_refused(frames):
    with pytest.raises(ValueError, match="iterations are 0"):
        RAFT(iterations=0)
    first, second = frames(40, 72)
    with pytest.raises(ValueError, match="72x40 pixels are too few, 64 a side"):
        RAFT().frame_flow(first, second)
    with pytest.raises(ValueError, match="frames of one clip must share one size"):
        RAFT().frame_flow(first, second[:, 1:])
