"""NetWarp: published counts, where it must equal OCRNet, its warp, and its streaming."""

import pytest
import torch
from conv_counts import giga_macs, meta_frame, parameters

from baselines.cnn.presets import build_cnn
from baselines.netwarp import FlowCNN, NetWarp, WarpAndMix, build_netwarp
from baselines.raft import RAFT
from baselines.vspw_warp import vspw_warp
from mpvss.checkpoints import load_checkpoint
from mpvss.errors import UserError
from mpvss.video import LooksAhead, VideoSegmenter, uses_key_frames

CLASSES = 5


@pytest.fixture(scope="module")
def method(filled):
    return filled(build_netwarp(num_classes=CLASSES, depth=18, iterations=2), 1).eval()


def test_counts_are_the_published():
    """63.37 M. The paper's 1207 G are two passes of OCRNet and RAFT, without the 2.8 G of the flow's transformation."""
    with torch.device("meta"):
        assert parameters(build_netwarp(num_classes=124)) == pytest.approx(63.37, abs=0.005)
        whole = build_netwarp(num_classes=124, form="library", execution="paper").eval()
        frame = meta_frame(480, 853)
        _, state = whole.segment(frame, coming=[frame])
        giga = giga_macs(whole, lambda: whole.propagate(frame, state))
        transformation = giga_macs(whole.flow_cnn, lambda: whole.propagate(frame, state))
    assert transformation == pytest.approx(9 * (11 * 16 + 16 * 32 + 32 * 2 + 4 * 2) * 480 * 853 / 1e9)
    assert giga - transformation == pytest.approx(1207.6, rel=0.001)


def test_is_a_video_method(method):
    assert isinstance(method, VideoSegmenter)
    assert isinstance(method, LooksAhead)
    assert not uses_key_frames(method)


def test_starts_as_ocrnet(frames):
    """Before training, the weights are 1 for the frame and 0 for the one before."""
    method = build_netwarp(num_classes=CLASSES, depth=18, iterations=1).eval()
    first, second = frames(64, 72)
    with torch.inference_mode():
        prediction, state = method.segment(first, coming=[second])
        torch.testing.assert_close(prediction.scores(), method.segmentor.predict(first).scores())
        prediction, _ = method.propagate(second, state)
        torch.testing.assert_close(prediction.scores(), method.segmentor.predict(second).scores())


def test_mixed_as_written_out(method, frames):
    """A frame's scores from the parts: the frame before goes through the decoder unmixed."""
    previous, frame = frames(64, 88)
    decoder = method.decoder
    with torch.inference_mode():
        _, state = method.segment(previous, coming=[frame])
        prediction, _ = method.propagate(frame, state)
        flow = method.flow_cnn(method.flow.frame_flow(frame, previous), frame[None].float(), previous[None].float())
        assert (flow >= 0).all()
        assert flow.any()
        flow = torch.nn.functional.interpolate(flow, (8, 11), mode="nearest")
        maps, before = method.segmentor.features(frame), method.segmentor.features(previous)
        last = method.mix_maps.current.view(-1, 1, 1) * maps[3]
        last = last + method.mix_maps.previous.view(-1, 1, 1) * vspw_warp(before[3], flow)
        pixels, contexts, _ = decoder.describe([*maps[:3], last])
        of_frame = decoder.attend(pixels, contexts)
        pixels, contexts, _ = decoder.describe(before)
        of_previous = vspw_warp(decoder.attend(pixels, contexts), flow)
        mixed = method.mix_features.current.view(-1, 1, 1) * of_frame
        mixed = mixed + method.mix_features.previous.view(-1, 1, 1) * of_previous
        torch.testing.assert_close(prediction.coarse, decoder.head.classify(mixed)[0])


def test_the_first_frame_takes_the_second_as_the_one_before(method, frames):
    first, second = frames(64, 72)
    with torch.inference_mode():
        started, state = method.segment(first, coming=[second])
        assert torch.equal(state.frame, first)
        _, after = method.segment(second, coming=[first])
        torch.testing.assert_close(started.coarse, method.propagate(first, after)[0].coarse)
        with pytest.raises(UserError, match="segments a clip's first frame from the frame after it, and none was"):
            method.segment(first, coming=[])


def test_lean_and_paper_give_the_same(method, frames):
    clip = frames(64, 72, 3)
    with torch.inference_mode():
        _, state = method.segment(clip[0], coming=clip[1:])
        lean = [method.propagate(clip[1], state)[0].coarse]
        method.execution = method.flow.execution = "paper"
        try:
            _, state = method.segment(clip[0], coming=clip[1:])
            assert not state.maps
            torch.testing.assert_close(method.propagate(clip[1], state)[0].coarse, lean[0])
        finally:
            method.execution = method.flow.execution = "lean"


def test_flow_keeps_the_values_of_the_frames_pixels():
    """A flow of 8 pixels of the frame moves a map at 1/8 by 8 of its own pixels."""
    mix = WarpAndMix(3)
    with torch.no_grad():
        mix.current.zero_()
        mix.previous.fill_(1.0)
        source = torch.randn(1, 3, 6, 20, generator=torch.Generator().manual_seed(0))
        flow = torch.zeros(1, 2, 48, 160)
        flow[:, 0] = 8.0
        found = mix(torch.zeros_like(source), source, flow)
    torch.testing.assert_close(found, vspw_warp(source, torch.tensor([8.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 6, 20)))


def test_warp_enlarges_by_n_over_n_minus_one():
    """Pixel i is read at (i + flow) n / (n − 1) − 1/2: a ramp comes out so, but for the border, which zeros enter."""
    height, width = 5, 9
    ramp = torch.arange(width).float().expand(1, 1, height, width)
    for shift in (0.0, 2.0):
        flow = torch.zeros(1, 2, height, width)
        flow[:, 0] = shift
        found = vspw_warp(ramp, flow)[0, 0, 2]
        read = (torch.arange(width) + shift) * width / (width - 1) - 0.5
        inside = (read >= 0) & (read <= width - 1)
        torch.testing.assert_close(found[inside], read[inside])
        assert not found[read >= width].any()


def test_no_flow_is_negative(filled):
    flow = 5 * torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    frame = 255 * torch.rand(1, 3, 8, 8)
    with torch.inference_mode():
        assert (filled(FlowCNN(), 2).eval()(flow, frame, frame) >= 0).all()


def test_the_flow_network_is_frozen(frames):
    method = build_netwarp(num_classes=CLASSES, depth=18, iterations=1)
    method.train()
    assert not method.flow.training
    assert not any(parameter.requires_grad for parameter in method.flow.parameters())
    assert method.flow_cnn.training


def test_takes_the_weights_of_an_ocrnet(method, filled):
    theirs = filled(build_cnn("ocrnet", num_classes=CLASSES, depth=18, form="vspw"), 3).state_dict()
    target = build_netwarp(num_classes=CLASSES, depth=18)
    load_checkpoint(target, theirs)
    torch.testing.assert_close(target.segmentor.state_dict(), theirs)


def test_refused(method, frames):
    with pytest.raises(ValueError, match="stands on OCRNet; it was given a PSPHead"):
        NetWarp(segmentor=build_cnn("pspnet", num_classes=CLASSES, depth=18), flow=RAFT())
    first, second = frames(64, 72)
    with torch.inference_mode():
        _, state = method.segment(first, coming=[first])
        with pytest.raises(ValueError, match="frames of one clip must share one size"):
            method.propagate(second[:, 1:], state)
