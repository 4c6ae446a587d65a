"""The methods MPVSS is compared with, by what they are made of."""

import pytest
import torch
import torch.nn.functional as F

from baselines.accel import Accel, ScoreFusion
from baselines.copy_prediction import CopyPrediction
from baselines.dff import DFF
from baselines.flownets import FlowNetS
from baselines.optical_flow import OpticalFlow
from baselines.per_frame import PerFrame
from bench.methods.parts import Parts
from mpvss.segmentor.semantic import MaskPrediction

CLASSES = 6
HEIGHT, WIDTH = 96, 160


class ConstantFlow(FlowNetS):
    """A flow known beforehand, the same everywhere: (x, y) in pixels of the grid of 1/8."""

    def __init__(self, x: float, y: float) -> None:
        torch.nn.Module.__init__(self)
        self.vector = torch.tensor([float(x), float(y)])
        self.pairs = []

    def flow(self, frame, key_frame):
        self.pairs.append((frame, key_frame))
        return self.vector.view(1, 2, 1, 1).expand(1, 2, HEIGHT // 8, WIDTH // 8)


@pytest.fixture
def segmentor(filled, undrawn):
    """`segmentor(backbone, seed)`: a small one."""

    def make(backbone: str = "nano", seed: int = 1, num_classes: int = CLASSES):
        with undrawn():
            return filled(Parts(num_classes).segmentor(backbone), seed)

    return make


@pytest.fixture
def pair(frames):
    """A key frame and the frame after it."""
    return frames(HEIGHT, WIDTH)


def shifted(source: torch.Tensor, x: int, y: int) -> torch.Tensor:
    """What `source` holds x to the right and y below, borders repeated."""
    height, width = source.shape[-2:]
    rows = (torch.arange(height) + y).clamp(0, height - 1)
    columns = (torch.arange(width) + x).clamp(0, width - 1)
    return source[..., rows[:, None], columns]


def run(model, pair):
    """Predictions of a key frame and of the frame after it."""
    with torch.inference_mode():
        key, state = model.segment(pair[0])
        return key, model.propagate(pair[1], state)[0]


class TestFlowNetS:
    @pytest.mark.parametrize("size", [(64, 96), (70, 101)])
    def test_flow_is_in_pixels_of_its_own_grid(self, size, filled, frames):
        """The network says the flow of its input over 20; a pixel of its grid is 4 of its input."""
        network = filled(Parts(CLASSES).flow("nano"), 2)
        key_frame, frame = frames(*size)
        with torch.inference_mode():
            flow = network.flow(frame, key_frame)
            mean = torch.tensor((0.411, 0.432, 0.450)).view(3, 1, 1)
            images = torch.cat([image / 255 - mean for image in (frame, key_frame)])
            padded = torch.zeros(1, 6, -(-size[0] // 32) * 32, -(-size[1] // 32) * 32)
            padded[0, :, : size[0], : size[1]] = images
            halved = F.avg_pool2d(padded, 2)  # halving bilinearly takes the mean of four
            expected = network(halved) * 20 / 4
        assert flow.shape == (1, 2, padded.shape[2] // 8, padded.shape[3] // 8)
        assert expected.std() > 0.01
        torch.testing.assert_close(flow, expected, rtol=1e-4, atol=1e-5)

    def test_order_of_the_frames_matters(self, filled, pair):
        network = filled(Parts(CLASSES).flow("nano"), 2)
        with torch.inference_mode():
            assert not torch.allclose(network.flow(pair[0], pair[1]), network.flow(pair[1], pair[0]))


class TestPerFrame:
    def test_nothing_passes_between_frames(self, segmentor, pair):
        model = PerFrame(segmentor=segmentor())
        _, other = run(model, pair)
        with torch.inference_mode():
            alone = model.segment(pair[1])[0]
        assert torch.equal(other.mask_logits, alone.mask_logits)
        assert torch.equal(other.labels(), alone.labels())


class TestCopy:
    def test_labels_are_found_once(self, segmentor, pair, monkeypatch):
        calls = []
        original = MaskPrediction.labels

        def counted(self):
            calls.append(self)
            return original(self)

        monkeypatch.setattr(MaskPrediction, "labels", counted)
        key, other = run(CopyPrediction(segmentor=segmentor()), pair)
        assert calls == []
        first = key.labels()
        assert torch.equal(other.labels(), first)
        assert torch.equal(other.labels(), first)
        assert len(calls) == 1
        torch.testing.assert_close(other.scores().argmax(0).to(torch.uint8), first)


class TestOpticalFlow:
    @pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 0), (-2, 1)])
    def test_masks_move_by_the_flow(self, x, y, segmentor, pair):
        """A pixel on the grid of 1/8 is two of the masks' and eight of the frame's."""
        flow = ConstantFlow(x, y)
        key, other = run(OpticalFlow(segmentor=segmentor(), flow=flow), pair)
        assert torch.equal(other.mask_logits, shifted(key.mask_logits, 2 * x, 2 * y))
        assert torch.equal(other.class_weights, key.class_weights)
        inside = (slice(24, HEIGHT - 24), slice(24, WIDTH - 24))  # borders are repeated before the enlargement
        labels = key.labels()
        assert labels[inside].unique().numel() > 1
        assert torch.equal(other.labels()[inside], shifted(labels, 8 * x, 8 * y)[inside])

    def test_flow_is_from_the_frame_to_its_key_frame(self, segmentor, pair):
        flow = ConstantFlow(0, 0)
        run(OpticalFlow(segmentor=segmentor(), flow=flow), pair)
        [(frame, key_frame)] = flow.pairs
        assert torch.equal(frame, pair[1])
        assert torch.equal(key_frame, pair[0])

    def test_later_frames_are_warped_from_the_key_frame(self, segmentor, frames):
        flow = ConstantFlow(1, 0)
        model = OpticalFlow(segmentor=segmentor(), flow=flow)
        key_frame, second, third = frames(HEIGHT, WIDTH, 3)
        with torch.inference_mode():
            key, state = model.segment(key_frame)
            _, state = model.propagate(second, state)
            last, _ = model.propagate(third, state)
        assert torch.equal(last.mask_logits, shifted(key.mask_logits, 2, 0))
        assert torch.equal(flow.pairs[1][1], key_frame)


class TestDFF:
    def test_each_map_moves_by_the_flow_at_its_scale(self, segmentor, pair):
        """Four pixels at 1/8 are eight at 1/4, two at 1/16, one at 1/32."""
        network = segmentor()
        _, other = run(DFF(segmentor=network, flow=ConstantFlow(4, -4)), pair)
        with torch.inference_mode():
            maps = network.features(pair[0])
            moved = [shifted(x, by, -by) for x, by in zip(maps, (8, 4, 2, 1), strict=True)]
            expected = network.decode(moved)
        torch.testing.assert_close(other.mask_logits, expected.mask_logits[0])
        torch.testing.assert_close(other.class_weights, expected.class_logits[0].softmax(-1)[:, :-1])

    def test_backbone_runs_on_key_frames_alone(self, segmentor, pair, monkeypatch):
        network = segmentor()
        model = DFF(segmentor=network, flow=ConstantFlow(0, 0))
        with torch.inference_mode():
            key, state = model.segment(pair[0])

            def fail(*_):
                raise AssertionError("the backbone ran")

            monkeypatch.setattr(network.backbone, "forward", fail)
            other, _ = model.propagate(pair[1], state)
        assert torch.equal(other.mask_logits, key.mask_logits)  # no flow, so nothing moved


class TestAccel:
    @pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (90, 150)])
    def test_scores_are_a_convolution_of_both_branches(self, size, segmentor, frames, filled):
        key_segmentor, small = segmentor("micro", 1), segmentor("nano", 2)
        fusion = filled(ScoreFusion(CLASSES), 3)
        model = Accel(key_segmentor=key_segmentor, segmentor=small, flow=ConstantFlow(1, -2), fusion=fusion)
        pair = frames(*size)
        key, other = run(model, pair)
        with torch.inference_mode():
            large = key_segmentor.predict(pair[0])
            moved = MaskPrediction(large.class_weights, shifted(large.mask_logits, 2, -4), large.size)
            stacked = torch.cat((moved.scores(), small.predict(pair[1]).scores()))
            expected = F.conv2d(stacked[None], fusion.conv.weight, fusion.conv.bias)[0]
        assert torch.equal(key.mask_logits, large.mask_logits)
        torch.testing.assert_close(other.scores(), expected, rtol=1e-4, atol=1e-5)
        best, second = expected.topk(2, dim=0).values
        sure = best - second > 1e-4
        assert torch.equal(other.labels()[sure], expected.argmax(0).to(torch.uint8)[sure])
        assert expected.argmax(0).unique().numel() > 1

    def test_fusion_starts_as_the_mean(self, segmentor, pair):
        branches = {"key_segmentor": segmentor("micro", 1), "segmentor": segmentor("nano", 2)}
        model = Accel(**branches, flow=ConstantFlow(0, 0), fusion=ScoreFusion(CLASSES))
        key, other = run(model, pair)
        with torch.inference_mode():
            expected = (key.scores() + branches["segmentor"].predict(pair[1]).scores()) / 2
        torch.testing.assert_close(other.scores(), expected, rtol=1e-4, atol=1e-5)

    def test_branches_of_different_classes_are_refused(self, segmentor):
        with pytest.raises(ValueError, match="key branch has 5 and the other 6"):
            Accel(
                key_segmentor=segmentor(num_classes=5),
                segmentor=segmentor(num_classes=6),
                flow=ConstantFlow(0, 0),
                fusion=ScoreFusion(6),
            )
