"""ETC's loss, by arithmetic."""

import math

import pytest
import torch
from conv_counts import giga_macs, meta_frame, parameters

from baselines.cnn.loss import AUXILIARY_WEIGHT, cross_entropy
from baselines.cnn.presets import build_cnn
from baselines.etc import etc_loss, temporal_loss
from baselines.vspw_warp import vspw_warp


def test_test_time_counts_are_the_published():
    """Table 2's row is PSPNet-18 at 1024x2048; the tool counts 0.1 % for norms and ReLUs."""
    with torch.device("meta"):
        network = build_cnn("pspnet", num_classes=19, depth=18, auxiliary=True).eval()
    assert parameters(network) == pytest.approx(12.79, abs=0.005)
    assert giga_macs(network, lambda: network.predict(meta_frame(1024, 2048))) == pytest.approx(434.1, rel=0.001)


def test_trust_falls_where_the_warp_fails():
    """A step that the warp reads as zero: the two differ by 2, times exp(−1)."""
    scores, previous = torch.full((1, 4, 8, 8), 2.0), torch.zeros(1, 4, 8, 8)
    frames, black = torch.full((1, 3, 16, 16), 1 / 3), torch.zeros(1, 3, 16, 16)
    expected = 0.1 * (2 * math.exp(-1)) ** 2
    still = torch.zeros(1, 2, 16, 16)
    assert temporal_loss(scores, previous, frames, black, still).item() == pytest.approx(expected)
    # Differences of the channels that cancel out are not seen.
    balanced = torch.stack((frames[:, 0], -frames[:, 0], torch.zeros(1, 16, 16)), dim=1)
    assert temporal_loss(scores, previous, balanced, black, still).item() == pytest.approx(0.1 * 4)


def test_what_moved_as_the_flow_says_costs_nothing():
    generator = torch.Generator().manual_seed(0)
    previous_scores, previous = torch.randn(1, 4, 12, 12, generator=generator), torch.randn(1, 3, 12, 12)
    flow = torch.zeros(1, 2, 12, 12)
    flow[:, 0] = 2.0
    scores, frames = vspw_warp(previous_scores, flow), vspw_warp(previous, flow)
    assert temporal_loss(scores, previous_scores, frames, previous, flow) == 0
    assert temporal_loss(scores, previous_scores, frames, previous, -flow) > 0.01


@pytest.mark.parametrize("network", ["pspnet", "ocrnet"])
def test_whole_loss(network, frames, filled):
    model = filled(build_cnn(network, num_classes=4, depth=18, auxiliary=network == "pspnet"), 1).eval()
    pair = torch.stack(frames(64, 64))
    labels = torch.randint(4, (2, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    flow = torch.full((1, 2, 64, 64), 1.5)
    loss = etc_loss(model, pair[1:], pair[:1], labels[1:], labels[:1], flow)
    scores, side = model.every_head(pair)
    expected = cross_entropy(scores[1:], labels[1:]) + AUXILIARY_WEIGHT * cross_entropy(side, labels)
    normed = model.normalise(pair)
    expected = expected + temporal_loss(scores[1:], scores[:1], normed[1:], normed[:1], flow)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
