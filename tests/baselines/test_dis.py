"""DIS against translations, whose flow is known."""

import sys

import numpy as np
import pytest
import torch

from baselines.dis import DIS
from baselines.flow_network import FlowNetwork
from baselines.score_flow import ScoreFlow
from baselines.scores import ScorePrediction
from bench.methods.setup import check_rows
from mpvss.errors import UserError
from mpvss.warp import warp

cv2 = pytest.importorskip("cv2")


def texture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """Random colours at every eighth pixel, smooth between them: (3, H, W), uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return torch.from_numpy(picture).movedim(2, 0).contiguous()


def translated(height: int, width: int, x: int, y: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A frame and its key frame; what is at p in the frame is at p + (x, y) in the key frame."""
    picture = texture(height + 64, width + 64)
    key = picture[:, 32 : 32 + height, 32 : 32 + width]
    frame = picture[:, 32 + y : 32 + y + height, 32 + x : 32 + x + width]
    return frame, key


@pytest.mark.parametrize(("x", "y"), [(0, 0), (-6, 4), (3, -9)])
@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
def test_flow_of_a_translation(x, y, kind):
    frame, key = (image.to(kind) for image in translated(160, 256, x, y))
    flow = DIS().flow(frame, key)
    inside = flow[0, :, 16:-16, 16:-16]
    expected = torch.tensor([x, y], dtype=torch.float32).view(2, 1, 1).expand_as(inside)
    torch.testing.assert_close(inside, expected, atol=0.2, rtol=0)


def test_the_flow_warps_the_key_frame_to_the_frame():
    frame, key = (image.float() for image in translated(160, 256, 5, -7))
    moved = warp(key[None], DIS().flow(frame, key))[0]
    inside = (slice(None), slice(16, -16), slice(16, -16))
    assert (moved - frame)[inside].abs().mean() < 2
    assert (key - frame)[inside].abs().mean() > 20


def test_the_grid_covers_the_padded_frame():
    """50x70 pixels are padded to 64x96, and the border's flow is repeated there."""
    frame, key = translated(50, 70, 2, 1)
    flow = DIS().flow(frame, key)
    assert flow.shape == (1, 2, 64, 96)
    assert torch.equal(flow[..., :50, 70:], flow[..., :50, 69:70].expand(1, 2, 50, 26))
    assert torch.equal(flow[..., 50:, :], flow[..., 49:50, :].expand(1, 2, 14, 96))


class Brightness:
    """A segmentor whose two scores, at 1/4, are the frame's mean colour and its negative."""

    num_classes = 2

    def predict(self, frame):
        coarse = torch.nn.functional.avg_pool2d(frame.float().mean(0)[None, None], 4)[0]
        return ScorePrediction(torch.cat((coarse, -coarse)), tuple(frame.shape[1:]))


def test_scores_are_moved_by_it():
    frame, key = translated(160, 256, 8, 4)
    method = ScoreFlow(segmentor=Brightness(), flow=DIS())
    prediction, state = method.segment(key)
    moved, _ = method.propagate(frame, state)
    # 8 and 4 pixels are 2 and 1 on the scores' grid.
    expected, still = prediction.coarse[:, 5:-3, 6:-2], prediction.coarse[:, 4:-4, 4:-4]
    assert (moved.coarse[:, 4:-4, 4:-4] - expected).abs().mean() < 0.5
    assert (still - expected).abs().mean() > 10


class TestRefused:
    @pytest.mark.usefixtures("without_shape_checks")
    def test_two_sizes(self):
        with pytest.raises(UserError, match="the frame is 48x64 and its key frame 64x64"):
            DIS().flow(torch.zeros(3, 64, 64), torch.zeros(3, 64, 48))

    def test_small_frames(self):
        assert DIS().flow(*[torch.zeros(3, 16, 16)] * 2).shape == (1, 2, 32, 32)
        with pytest.raises(UserError, match="the frame is 40x15; DIS takes sides of 16 pixels or more"):
            DIS().flow(*[torch.zeros(3, 15, 40)] * 2)

    def test_opencv_is_not_installed(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "cv2", None)
        with pytest.raises(UserError, match=r"DIS needs OpenCV; pip install 'mpvss-bench\[dis\]'"):
            DIS()
        with pytest.raises(UserError, match="leave optical-flow-dis out"):
            check_rows(["copy", "optical-flow-dis@again"], ground_truth_flow=False)


def test_it_is_a_flow_network():
    assert isinstance(DIS(), FlowNetwork)
    assert not list(DIS().parameters())
