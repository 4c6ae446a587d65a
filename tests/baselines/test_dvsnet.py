"""DVSNet: published counts, its regions, and what it segments and warps."""

import pytest
import torch
import torch.nn.functional as F
from conv_counts import giga_macs, meta_frame

from baselines.dvsnet import build_dvsnet
from baselines.dvsnet.decision import DecisionNetwork
from baselines.dvsnet.deeplab import DilatedDeepLab
from baselines.dvsnet.flow import ScaledFlow
from baselines.dvsnet.regions import RegionPrediction, Regions
from mpvss.video import VideoSegmenter, uses_key_frames
from mpvss.warp import warp

CLASSES = 4
SIZE = (72, 100)


@pytest.fixture(scope="module")
def built(filled):
    return filled(build_dvsnet(CLASSES, depth=50, overlap=8), 1).eval()


@pytest.fixture
def method(built):
    built.threshold = 90.0
    return built


def decide(method, monkeypatch, percentages):
    monkeypatch.setattr(method.decision, "forward", lambda features: torch.tensor(percentages))


def test_counts_are_the_published():
    """All four regions of 1024x2048 segmented, 632 G; all warped, 8 G."""
    with torch.device("meta"):
        method = build_dvsnet(19).eval()
        frame = meta_frame(1024, 2048)
        _, state = method.segment(frame)
        segmented = giga_macs(method, lambda: method.segment(frame))
        pair = torch.cat((state.halves, state.halves), dim=1)
        warped = giga_macs(method, lambda: method.decision(method.flow(pair).features))
    assert segmented == pytest.approx(632, rel=0.001)
    assert warped == pytest.approx(8, abs=0.5)


def test_dilations_of_the_third_and_fourth_stage():
    with torch.device("meta"):
        backbone = DilatedDeepLab(19).backbone
    third = [block.conv2.dilation[0] for block in backbone.layer3]
    assert third == [1] + [4, 2, 2] * 7 + [4]
    assert [block.conv2.dilation[0] for block in backbone.layer4] == [4, 8, 16]


def test_segmentation_head_as_written_out(built):
    network = built.segmentor
    image = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        last = network.backbone(image)[-1]
        summed = sum(branch(last) for branch in network.pyramid)
        torch.testing.assert_close(network(image), network.classify(summed))
    assert [branch[0].dilation[0] for branch in network.pyramid] == [6, 12, 18, 1]


def test_regions_are_the_published():
    regions = Regions((1024, 2048), 64)
    assert regions.region_size == (576, 1088)
    assert list(regions.corners()) == [(0, 0), (0, 960), (448, 0), (448, 960)]


@pytest.mark.parametrize("size", [(72, 100), (71, 99), (5, 300)])
def test_regions_cover_the_frame(size):
    regions = Regions(size, 8)
    frame = torch.arange(3 * size[0] * size[1]).view(3, *size)
    seen = torch.zeros(size, dtype=torch.bool)
    for region, (top, left) in zip(regions.cut(frame), regions.corners(), strict=True):
        height, width = region.shape[1:]
        assert torch.equal(region, frame[:, top : top + height, left : left + width])
        seen[top : top + height, left : left + width] = True
    assert seen.all()


def test_the_larger_score_wins_where_regions_overlap():
    """Region i is sure of class i by i + 1: each reaches as far as it can into the ones before."""
    regions = Regions((20, 30), 3)
    coarse = tuple((index + 1.0) * F.one_hot(torch.tensor(index), 4).view(4, 1, 1).float() for index in range(4))
    prediction = RegionPrediction(coarse, regions)
    expected = torch.zeros(20, 30, dtype=torch.uint8)
    expected[:13, 12:] = 1
    expected[7:, :18] = 2
    expected[7:, 12:] = 3
    assert torch.equal(prediction.labels(), expected)
    assert prediction.scores().shape == (4, 20, 30)
    assert prediction.scores()[:, 0, 0].tolist() == [1, 0, 0, 0]


def test_is_a_video_method(method):
    assert isinstance(method, VideoSegmenter)
    assert not uses_key_frames(method)


def test_a_threshold_of_zero_warps_all(method, frames):
    key, frame = frames(*SIZE)
    method.threshold = 0.0
    with torch.inference_mode():
        _, state = method.segment(key)
        prediction, after = method.propagate(frame, state)
        found = method.flow(torch.cat((halves_of(method, frame), state.halves), dim=1))
        resized = F.interpolate(state.scores, found.flow.shape[2:], mode="bilinear", align_corners=False)
        expected = warp(resized, found.flow) * found.scale
    assert after is state
    torch.testing.assert_close(torch.stack(prediction.coarse), expected)


def halves_of(method, frame):
    """The state keeps what the flow network takes of a frame."""
    return method.segment(frame)[1].halves


def test_a_threshold_over_100_segments_all(method, frames):
    key, frame = frames(*SIZE)
    method.threshold = 101.0
    with torch.inference_mode():
        _, state = method.segment(key)
        prediction, after = method.propagate(frame, state)
        expected, fresh = method.segment(frame)
    torch.testing.assert_close(prediction.scores(), expected.scores())
    torch.testing.assert_close((after.scores, after.halves), (fresh.scores, fresh.halves))


def test_each_region_is_renewed_by_itself(method, frames, monkeypatch):
    key, frame = frames(*SIZE)
    with torch.inference_mode():
        _, state = method.segment(key)
        _, fresh = method.segment(frame)
        decide(method, monkeypatch, [95.0, 89.9, 90.0, 0.0])
        prediction, after = method.propagate(frame, state)
    for index, renewed in enumerate((False, True, False, True)):
        source = fresh if renewed else state
        torch.testing.assert_close(after.scores[index], source.scores[index])
        torch.testing.assert_close(after.halves[index], source.halves[index])
        grid = (fresh.scores if renewed else F.avg_pool2d(after.halves, 4, ceil_mode=True)).shape[2:]
        assert prediction.coarse[index].shape[1:] == grid


def test_without_motion_the_key_scores_stay(method, frames, monkeypatch):
    """A flow network as it starts, but for its flow, which is zero: the key scores, at 1/8."""
    flow = ScaledFlow(CLASSES)
    torch.nn.init.zeros_(flow.predict.weight)
    torch.nn.init.zeros_(flow.predict.bias)
    monkeypatch.setattr(method, "flow", flow.eval())
    decide(method, monkeypatch, [100.0] * 4)
    key, frame = frames(*SIZE)
    with torch.inference_mode():
        _, state = method.segment(key)
        prediction, _ = method.propagate(frame, state)
    resized = F.interpolate(state.scores, prediction.coarse[0].shape[1:], mode="bilinear", align_corners=False)
    torch.testing.assert_close(torch.stack(prediction.coarse), resized)


def test_networks_see_bgr(method, frames, monkeypatch):
    (frame,) = frames(64, 96, 1)
    seen = []
    network = method.segmentor.forward
    monkeypatch.setattr(method.segmentor, "forward", lambda image: seen.append(image) or network(image))
    with torch.inference_mode():
        _, state = method.segment(frame)
    mean = torch.tensor([104.00698793, 116.66876762, 122.67891434]).view(3, 1, 1)
    torch.testing.assert_close(seen[0][0], frame[[2, 1, 0], :40, :56].float() - mean)
    region = frame[[2, 1, 0], :40, :56].float() / 255
    torch.testing.assert_close(state.halves[0], F.avg_pool2d(region, 2))


def test_decision_as_written_out(filled):
    network = filled(DecisionNetwork(), 2).eval()
    features = torch.randn(3, 384, 4, 8, generator=torch.Generator().manual_seed(3))

    def leaky(x):
        return torch.where(x > 0, x, 0.1 * x)

    with torch.inference_mode():
        network.linear[-1].bias.fill_(40.0)
        x = leaky(network.conv(features)).flatten(1)
        for layer in network.linear:
            x = leaky(x @ layer.weight.T + layer.bias)
        assert ((x > 0) & (x < 100)).all()
        torch.testing.assert_close(network(features), x[:, 0])
        network.linear[-1].bias.fill_(-500.0)
        assert network(features).tolist() == [0.0] * 3  # a percentage


def test_refused(method, frames):
    with torch.device("meta"):
        with pytest.raises(ValueError, match="threshold is -1"):
            build_dvsnet(CLASSES, threshold=-1.0)
        with pytest.raises(ValueError, match="overlap is -1 pixels"):
            build_dvsnet(CLASSES, overlap=-1)
        with pytest.raises(ValueError, match="num_classes is 300"):
            build_dvsnet(300)
    key, frame = frames(*SIZE)
    with torch.inference_mode():
        _, state = method.segment(key)
        with pytest.raises(ValueError, match="frames of one clip must share one size"):
            method.propagate(frame[:, 1:], state)
