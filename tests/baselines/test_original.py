"""DFF and Accel as first published: published counts, their parts against other libraries, and what they propagate."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from conv_counts import giga_macs, meta_frame
from torch import nn

from baselines.original.accel import OriginalAccel, build_original_accel
from baselines.original.deeplab import DeepLab, build_deeplab
from baselines.original.deformable import DeformableConv
from baselines.original.dff import OriginalDFF, build_original_dff
from baselines.original.flow import ENCODER_WIDTHS, REFINEMENT_WIDTHS, StrideSixteenFlow
from baselines.original.flownets import Refinement
from baselines.original.preactivation import PreactivationBlock, PreactivationResNet
from baselines.original.resnet import build_stride16_resnet
from baselines.original.warp import zero_padded_warp
from mpvss.motion.pixel_flow import CoarseToFineFlow
from mpvss.video import VideoSegmenter

CLASSES = 5


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def segmentor():
    """DeepLab with a small backbone: one convolution."""
    torch.manual_seed(0)
    return DeepLab(nn.Conv2d(3, 2048, 16, stride=16), CLASSES).eval()


def still_flow(x=0.0, y=0.0):
    """A flow network that says the same at every pixel, in pixels of its grid."""
    flow = StrideSixteenFlow()
    nn.init.zeros_(flow.predict.weight)
    with torch.no_grad():
        flow.predict.bias.copy_(torch.tensor([x, y]) / 2.5)
    return flow.eval()


# GMACs at 1024x2048 and 19 classes. The published counts have the fixed transposed convolutions too, 0.16 G each.
def test_counts_of_dff():
    with torch.device("meta"):
        method = build_original_dff(19).eval()
        frame = meta_frame(1024, 2048)
        _, state = method.segment(frame)
        assert giga_macs(method, lambda: method.segment(frame)) == pytest.approx(433.8, rel=0.001)
        assert giga_macs(method, lambda: method.propagate(frame, state)) == pytest.approx(59.5, rel=0.005)


@pytest.mark.parametrize(("depth", "mean"), [(18, 237.7), (50, 357.3), (101, 522.4)])
def test_counts_of_accel(depth, mean):
    """The mean of a key frame and four others."""
    with torch.device("meta"):
        method = build_original_accel(19, depth).eval()
        frame = meta_frame(1024, 2048)
        _, state = method.segment(frame)
        key = giga_macs(method, lambda: method.segment(frame))
        other = giga_macs(method, lambda: method.propagate(frame, state))
    assert (key + 4 * other) / 5 == pytest.approx(mean, rel=0.002)


def test_backbone_is_that_of_the_library(filled):
    """With strides in the first convolutions. The last stage, dilated in place of its stride, at every other pixel."""
    from transformers import ResNetConfig, ResNetModel

    ours = filled(build_stride16_resnet(50, dilations=((1,), (2,))), 1).eval()
    theirs = ResNetModel(ResNetConfig(downsample_in_bottleneck=True)).eval()
    state = ours.state_dict()
    for name, tensor in theirs.encoder.state_dict().items():
        _, stage, _, index, part, *rest = name.split(".")
        if part == "shortcut":
            own = f"downsample.{('convolution', 'normalization').index(rest[0])}.{rest[1]}"
        else:
            own = f"{'conv' if rest[1] == 'convolution' else 'bn'}{int(rest[0]) + 1}.{rest[2]}"
        tensor.copy_(state[f"layer{int(stage) + 1}.{index}.{own}"])
    image = random(1, 3, 64, 96)
    with torch.inference_mode():
        stem = F.max_pool2d(ours.stem(image), 3, 2, 1)
        expected = theirs.encoder(stem, output_hidden_states=True).hidden_states[1:]
        for step, found, wanted in zip((1, 1, 1, 2), ours(image), expected, strict=True):
            torch.testing.assert_close(found[..., ::step, ::step], wanted, rtol=1e-4, atol=1e-4)


def test_deformable_without_offsets_is_a_dilated_convolution():
    conv, x = DeformableConv(8, dilation=2, groups=4), random(2, 8, 7, 9)
    with torch.inference_mode():
        torch.testing.assert_close(conv(x), F.conv2d(x, conv.weight, padding=2, dilation=2))


@pytest.mark.parametrize("down", [1.0, -2.0, 0.5])
def test_deformable_reads_where_offsets_say(down):
    """The second group's middle row of taps is moved down, and the first group's last tap to the right."""
    conv, x = DeformableConv(4, dilation=1, groups=2), random(1, 4, 6, 8)
    with torch.no_grad():
        offsets = conv.offset.bias.view(2, 9, 2)
        offsets[1, 3:6, 0] = down
        offsets[0, 8, 1] = 1.0
        found = conv(x)
    wide = F.pad(x, (4, 4, 4, 4))
    expected = torch.zeros_like(x)
    for tap in range(9):
        for channel in range(4):
            y, right = tap // 3 - 1, tap % 3 - 1
            if channel >= 2 and tap // 3 == 1:
                y = y + down
            if channel < 2 and tap == 8:
                right = right + 1
            top = int(y // 1)
            rows = [wide[:, channel, 4 + top + step : 10 + top + step, 4 + right : 12 + right] for step in (0, 1)]
            read = torch.lerp(*rows, y - top)
            expected += conv.weight.detach()[:, channel, tap // 3, tap % 3, None, None] * read
    torch.testing.assert_close(found, expected)


def test_refinement_is_flownets(filled):
    """Without biases, the last flow is that of the pixel-wise flow that MPVSS and FlowNetS have."""
    channels, widths = ENCODER_WIDTHS[:0:-1], REFINEMENT_WIDTHS
    theirs = filled(CoarseToFineFlow(channels, widths), 2)
    ours = Refinement(channels, widths, bias=False)
    state = theirs.state_dict()
    report = ours.load_state_dict({name: state.get(name, torch.zeros(2)) for name in ours.state_dict()})
    assert not report.missing_keys
    sizes = [(1, 2), (2, 3), (3, 5), (5, 10), (9, 19)]
    levels = [random(1, width, *size, seed=width) for width, size in zip(channels, sizes, strict=True)]
    with torch.inference_mode():
        torch.testing.assert_close(theirs.predict[-1](ours(levels)), theirs(levels))


def test_flow_is_at_a_sixteenth():
    frame = random(1, 3, 96, 160)
    flow = still_flow(1.5, -2.0)(frame, frame)
    torch.testing.assert_close(flow, torch.tensor([1.5, -2.0]).view(1, 2, 1, 1).expand(1, 2, 6, 10))


def test_warp_by_whole_pixels_shifts_and_fills_with_zeros():
    source = random(1, 3, 6, 7)
    flow = torch.tensor([2.0, -1.0]).view(1, 2, 1, 1).expand(1, 2, 6, 7)
    torch.testing.assert_close(zero_padded_warp(source, torch.zeros_like(flow)), source)
    expected = torch.zeros_like(source)
    expected[..., 1:, :5] = source[..., :5, 2:]
    torch.testing.assert_close(zero_padded_warp(source, flow), expected)


def test_dff_without_motion_repeats_the_key_frame(segmentor, frames):
    method = OriginalDFF(segmentor=segmentor, flow=still_flow()).eval()
    assert isinstance(method, VideoSegmenter)
    key, frame = frames(70, 93)
    with torch.inference_mode():
        first, state = method.segment(key)
        second, after = method.propagate(frame, state)
    assert first.scores().shape == (CLASSES, 70, 93)
    torch.testing.assert_close(first.coarse, segmentor.predict(key).coarse)
    torch.testing.assert_close(second.coarse, first.coarse)
    assert after is state


def test_dff_warps_the_key_frame_and_accel_the_frame_before(segmentor, frames):
    """A pixel of flow a frame: after two frames DFF's features have moved by one, Accel's by two."""
    flow = still_flow(x=1.0)
    dff = OriginalDFF(segmentor=segmentor, flow=flow).eval()
    accel = OriginalAccel(segmentor=segmentor, flow=flow, update=segmentor).eval()
    key, *others = frames(64, 128, 3)
    with torch.inference_mode():
        _, start = dff.segment(key)
        state = accel.segment(key)[1]
        torch.testing.assert_close(state.features, start.features)
        for frame in others:
            scores, _ = dff.propagate(frame, start)
            _, state = accel.propagate(frame, state)
            torch.testing.assert_close(state.centred, segmentor.centre(frame))
        expected = segmentor.classify(start.features)[0, :, :, 1:]
    torch.testing.assert_close(state.features[..., :-2], start.features[..., 2:])
    assert not state.features[..., -2:].any()
    torch.testing.assert_close(scores.coarse[..., :-1], expected, rtol=1e-4, atol=1e-4)


def test_accel_fuses_scores(segmentor, frames, filled):
    update = filled(DeepLab(nn.Conv2d(3, 2048, 16, stride=16), CLASSES), 3).eval()
    method = OriginalAccel(segmentor=segmentor, flow=still_flow(), update=update).eval()
    key, frame = frames(64, 96)
    with torch.inference_mode():
        first, state = method.segment(key)
        torch.testing.assert_close(first.coarse, segmentor.predict(key).coarse)
        prediction, _ = method.propagate(frame, state)
        of_branch = update.predict(frame).coarse
        torch.testing.assert_close(prediction.coarse, of_branch)  # where training starts
        mix = random(CLASSES, 2 * CLASSES)
        method.fuse.weight.copy_(mix[..., None, None])
        method.fuse.bias.copy_(torch.arange(CLASSES))
        prediction, _ = method.propagate(frame, state)
        joined = torch.cat((first.coarse, of_branch))
        expected = torch.einsum("kj,jhw->khw", mix, joined) + torch.arange(CLASSES)[:, None, None]
        torch.testing.assert_close(prediction.coarse, expected, rtol=1e-4, atol=1e-3)


def test_accel_101_fuses_features(segmentor, frames):
    method = OriginalAccel(segmentor=segmentor, flow=still_flow()).eval()
    key, frame = frames(64, 96)
    with torch.inference_mode():
        first, state = method.segment(key)
        started, _ = method.propagate(frame, state)
        torch.testing.assert_close(started.coarse, segmentor.predict(frame).coarse, rtol=1e-4, atol=1e-4)
        method.fuse.weight.copy_(method.fuse.weight.roll(2048, dims=1))  # the propagated features instead
        propagated, _ = method.propagate(frame, state)
        torch.testing.assert_close(propagated.coarse, first.coarse, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("depth", [18, 34])
def test_small_branch_is_at_a_sixteenth(depth):
    with torch.device("meta"), torch.inference_mode():
        branch = PreactivationResNet(depth).eval()
        assert branch(torch.empty(1, 3, 64, 96)).shape == (1, 2048, 4, 6)


def test_preactivation_block_as_written_out(filled):
    block, x = filled(PreactivationBlock(4, 6, stride=2, first=True), 4).eval(), random(1, 4, 8, 8)
    with torch.inference_mode():
        active = block.bn1(x).relu()
        inner = F.conv2d(active, block.conv1.weight, stride=2, padding=1)
        expected = F.conv2d(block.bn2(inner).relu(), block.conv2.weight, padding=1)
        expected = expected + F.conv2d(active, block.shortcut.weight, stride=2)
        torch.testing.assert_close(block(x), expected)
        plain = filled(PreactivationBlock(4, 4, stride=1, first=False), 5).eval()
        nn.init.zeros_(plain.conv2.weight)
        assert torch.equal(plain(x), x)


def test_every_last_3x3_convolution_is_deformable():
    with torch.device("meta"):
        model = build_deeplab(101, CLASSES)
        kinds = [type(block.conv2) for block in model.backbone.resnet.layer4]
        assert kinds == [DeformableConv] * 3
        assert model.backbone(torch.empty(1, 3, 64, 96)).shape == (1, 2048, 4, 6)


def test_refused(segmentor, frames):
    other = DeepLab(nn.Conv2d(3, 2048, 16, stride=16), CLASSES + 1)
    with pytest.raises(ValueError, match="the reference branch has 5 and the update branch 6"):
        OriginalAccel(segmentor=segmentor, flow=still_flow(), update=other)
    with pytest.raises(ValueError, match="no Accel-20; known are 18, 34, 50, 101"):
        build_original_accel(CLASSES, 20)
    with pytest.raises(ValueError, match="no ResNet-18 with bottlenecks"):
        build_deeplab(18, CLASSES)
    with pytest.raises(ValueError, match="6 channels are no multiple of 4 groups"):
        DeformableConv(6)
    key, frame = frames(64, 96)
    for method in (
        OriginalDFF(segmentor=segmentor, flow=still_flow()),
        OriginalAccel(segmentor=segmentor, flow=still_flow()),
    ):
        _, state = method.segment(key)
        with pytest.raises(ValueError, match="frames of one clip must share one size"):
            method.propagate(frame[:, 1:], replace(state))
