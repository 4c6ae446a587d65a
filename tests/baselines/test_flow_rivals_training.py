"""Training of DFF, Accel and DVSNet as first published, and where their flow networks start from."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from baselines.dvsnet import build_dvsnet
from baselines.dvsnet.flow import ScaledFlow
from baselines.dvsnet.training import DecisionTask, RegionTask, agreement
from baselines.flownets import build_flownets
from baselines.original.accel import build_branch, build_original_accel
from baselines.original.dff import build_original_dff
from baselines.original.flow import StrideSixteenFlow
from baselines.original.training import DeepLabTask, OriginalAccelTask, OriginalDffTask
from mpvss.checkpoints import load_checkpoint
from mpvss.errors import UserError
from mpvss.motion.encoder import stack_pair
from mpvss.training.batch import Batch

CLASSES = 5
WIDTHS = (8, 12, 16, 20, 24, 28), (16, 12, 8, 4)
TASKS = {
    "deeplab": lambda: DeepLabTask(build_branch(50, CLASSES, width=8)),
    "deeplab-18": lambda: DeepLabTask(build_branch(18, CLASSES, width=8)),
    "dff": lambda: OriginalDffTask(build_original_dff(CLASSES, 50, small=True)),
    "accel": lambda: OriginalAccelTask(build_original_accel(CLASSES, 18, small=True)),
    "accel-one": lambda: OriginalAccelTask(build_original_accel(CLASSES, 50, small=True)),
    "regions": lambda: RegionTask(build_dvsnet(CLASSES, depth=50, small=True).with_most_work()),
    "decision": lambda: DecisionTask(build_dvsnet(CLASSES, depth=50, small=True)),
}
TRAINED = {"regions": "segmentor.", "decision": "decision."}
"""The part that a task trains, where that is not all."""


@pytest.fixture
def batch():
    """Pairs of random frames whose sides are no multiples of 32, with labels of which some are ignored."""
    generator = torch.Generator().manual_seed(0)
    frames, key_frames = torch.randint(0, 256, (2, 2, 3, 72, 100), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, CLASSES, (2, 72, 100), dtype=torch.uint8, generator=generator)
    labels[:, :8] = 255
    return Batch(frames=frames, key_frames=key_frames, labels=labels, flow=None, names=("a", "b"), seeds=(1, 2))


@pytest.fixture(params=TASKS)
def name(request):
    return request.param


@pytest.fixture
def make(filled):
    """`make(name)`: the task, every tensor of its model drawn."""

    def task(name):
        made = TASKS[name]()
        filled(made.model, 1)
        return made

    return task


def total(task, batch):
    return torch.stack(list(task(batch).values())).sum()


def test_what_is_trained(name, make, batch):
    """All of it, or the one part; what is frozen is in evaluation mode."""
    task = make(name).train()
    total(task, batch).backward()
    trained = TRAINED.get(name, "")
    for key, value in task.model.named_parameters():
        moved = value.grad is not None and bool(value.grad.abs().max() > 0)
        assert moved == key.startswith(trained), key
    for key, module in task.model.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.training == key.startswith(trained), key


def test_a_step_along_the_gradient_lowers_the_loss(name, make, batch):
    task = make(name).eval()
    before = total(task, batch)
    before.backward()
    trained = [value for value in task.model.parameters() if value.grad is not None]
    norm = sum(float(value.grad.square().sum()) for value in trained)
    with torch.no_grad():
        for value in trained:
            value -= 1e-3 * value.grad / norm**0.5
        fallen = float(before - total(task, batch))
    # A step of length 1e-3 against the gradient lowers the loss by 1e-3 times its norm, to first order.
    assert fallen == pytest.approx(1e-3 * norm**0.5, rel=0.2)


@pytest.mark.parametrize("name", ["dff", "accel", "accel-one"])
def test_losses_are_of_what_is_propagated(name, make, batch):
    task = make(name).eval()
    scores = []
    for frame, key_frame in zip(batch.frames, batch.key_frames, strict=True):
        _, state = task.model.segment(key_frame)
        scores.append(task.model.propagate(frame, state)[0].scores())
    expected = F.cross_entropy(torch.stack(scores), batch.labels.long(), ignore_index=255)
    torch.testing.assert_close(task(batch), {"pixel": expected})


def test_losses_of_single_frames(make, batch):
    """DeepLab's of its prediction, DVSNet's of regions as it segments them."""
    labels = batch.labels.long()
    deeplab = make("deeplab").eval()
    scores = torch.stack([deeplab.model.predict(frame).scores() for frame in batch.frames])
    torch.testing.assert_close(deeplab(batch), {"pixel": F.cross_entropy(scores, labels, ignore_index=255)})
    regions = make("regions").eval()
    centred = (batch.frames.float() - regions.model.pixel_mean).flip(1)
    scores = F.interpolate(regions.model.segmentor(centred), (72, 100), mode="bilinear", align_corners=False)
    torch.testing.assert_close(regions(batch), {"pixel": F.cross_entropy(scores, labels, ignore_index=255)})


class TestDecision:
    def test_regresses_the_agreement(self, make, batch):
        task = make("decision").eval()
        features, percent = agreement(task.model, batch.frames.float(), batch.key_frames.float())
        error = (task.model.decision.regressed(features) - percent) / 100
        torch.testing.assert_close(task(batch), {"decision": error.square().mean()})

    def test_agreement_is_the_share_of_pixels_of_one_class(self, make, batch):
        """As the method itself warps and segments them."""
        model = make("decision").model.eval()
        model.overlap = 100  # so that every region is the frame
        _, percent = agreement(model, batch.frames.float(), batch.key_frames.float())
        for frame, key_frame, found in zip(batch.frames, batch.key_frames, percent, strict=True):
            _, state = model.segment(key_frame)
            warped = model.with_least_work().propagate(frame, state)[0].labels()
            segmented = model.with_most_work().propagate(frame, state)[0].labels()
            assert float(found) == pytest.approx(100 * float((warped == segmented).float().mean()), abs=0.02)

    def test_a_still_region_agrees_with_itself(self, make, batch):
        """No flow, and a scale of 1: all that differs is that key scores go through the flow's grid."""
        model = make("decision").model.eval()
        for part in (model.flow.predict, model.flow.scale):
            nn.init.zeros_(part.weight)
        nn.init.zeros_(model.flow.predict.bias)
        nn.init.ones_(model.flow.scale.bias)
        _, same = agreement(model, batch.frames.float(), batch.frames.float())
        _, other = agreement(model, batch.frames.float(), batch.key_frames.float())
        assert (same > 90).all()
        assert (other < same).all()


@pytest.mark.parametrize("kind", ["DFF's", "DVSNet's"])
class TestFlowNetS:
    """Both networks are FlowNetS, given pairs in a form of their own."""

    @pytest.fixture
    def flow(self, filled):
        return filled(build_flownets(*WIDTHS), 2).eval()

    @pytest.fixture
    def network(self, kind, flow):
        made = StrideSixteenFlow(*WIDTHS) if kind == "DFF's" else ScaledFlow(CLASSES, *WIDTHS)
        report = load_checkpoint(made, {f"flow.{name}": tensor for name, tensor in flow.state_dict().items()})
        assert (report.kind, report.left_over) == ("flownets", ())
        assert set(report.missing) == ({"scale.weight", "scale.bias"} if kind == "DVSNet's" else set())
        return made.eval()

    def test_first_convolution_gives_the_same_of_the_same_frames(self, kind, flow, network):
        frames = torch.randint(0, 256, (2, 3, 64, 96), generator=torch.Generator().manual_seed(3)).float()
        theirs = flow.encoder.conv1(stack_pair(frames[:1], frames[1:]))
        if kind == "DFF's":
            mean = torch.tensor((123.15, 115.90, 103.06)).view(3, 1, 1)
            pair = F.avg_pool2d((frames - mean).view(1, 6, 64, 96) / 255, 2)
        else:
            pair = F.avg_pool2d(frames.flip(1).reshape(1, 6, 64, 96) / 255, 2)
        inside = (..., slice(2, -2), slice(2, -2))  # zeros beyond the border are another colour in each
        torch.testing.assert_close(network.encoder.conv1(pair)[inside], theirs[inside], rtol=1e-4, atol=1e-4)

    def test_the_rest_gives_the_same_flow(self, kind, flow, network):
        levels = flow.encoder(torch.randn(1, 6, 64, 96, generator=torch.Generator().manual_seed(4)))[::-1]
        theirs = flow.pixel_flow(levels)
        torch.testing.assert_close(network.predict(network.refinement(levels)), theirs)

    def test_published_names(self, kind, flow, network):
        theirs = {}
        for key, tensor in flow.state_dict().items():
            part, *rest = key.split(".")
            if part == "encoder":
                group, index, leaf = rest
                theirs[f"{group}{'_1' if index == '1' else ''}.0.{leaf}"] = tensor
            else:
                what, step, leaf = rest
                level = (6 if what == "predict" else 5) - int(step)
                published = {"predict": f"predict_flow{level}", "deconv": f"deconv{level}.0"}
                theirs[f"{published.get(what, f'upsampled_flow{level + 1}_to_{level}')}.{leaf}"] = tensor
        again = StrideSixteenFlow(*WIDTHS) if kind == "DFF's" else ScaledFlow(CLASSES, *WIDTHS)
        load_checkpoint(again, theirs)
        for key, tensor in network.state_dict().items():
            if not key.startswith("scale."):
                assert torch.equal(again.state_dict()[key], tensor), key

    def test_other_widths_are_refused(self, kind, flow, network):
        other = StrideSixteenFlow() if kind == "DFF's" else ScaledFlow(CLASSES)
        with pytest.raises(UserError, match="of shape"):
            load_checkpoint(other, {f"flow.{name}": tensor for name, tensor in flow.state_dict().items()})
