"""Training of the image and clip networks of other publications: what is trained, on what, and under which losses."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from baselines.cffm import build_cffm
from baselines.cffm.loss import cffm_losses
from baselines.clips.sampling import SUCCESSIVE, ClipSampler
from baselines.clips.training import ClipTask
from baselines.cnn.presets import build_cnn
from baselines.cnn.training import ImageNetworkTask
from baselines.etc import etc_loss
from baselines.etc_training import EtcTask
from baselines.flownets import FlowNetS, build_flownets
from baselines.mrcfa import build_mrcfa
from baselines.mrcfa.loss import mrcfa_losses
from baselines.netwarp import NetWarp
from baselines.netwarp_training import NetWarpTask
from baselines.segformer import build_segformer
from baselines.segformer.training import SegFormerTask
from baselines.tcb import TCB
from baselines.tcb_training import TcbTask
from mpvss.errors import UserError
from mpvss.training.augment import Augmentation
from mpvss.training.distributed import Process
from mpvss.training.loop import Hooks, LoopOptions, train
from mpvss.training.optimiser import OptimiserOptions, build_optimiser
from mpvss.training.pairs import Sampler

CLASSES = 5
FLOW = partial(build_flownets, (8, 8, 8, 8, 8, 8), (8, 8, 8, 8))
OCRNET = partial(build_cnn, "ocrnet", num_classes=CLASSES, depth=18, width=16)
TASKS = {
    "segformer": lambda: SegFormerTask(build_segformer("mit-nano", CLASSES)),
    "pspnet": lambda: ImageNetworkTask(build_cnn("pspnet", num_classes=CLASSES, depth=18, width=16, auxiliary=True)),
    "ocrnet": lambda: ImageNetworkTask(OCRNET()),
    "etc": lambda: EtcTask(build_cnn("pspnet", num_classes=CLASSES, depth=18, width=16, auxiliary=True), FLOW()),
    "cffm": lambda: ClipTask(build_cffm("mit-nano", CLASSES), cffm_losses),
    "mrcfa": lambda: ClipTask(build_mrcfa("mit-nano", CLASSES), mrcfa_losses),
    "netwarp": lambda: NetWarpTask(NetWarp(segmentor=OCRNET(), flow=FLOW())),
    "tcb": lambda: TcbTask(TCB(segmentor=OCRNET())),
}
CLIP_TASKS = ("cffm", "mrcfa", "tcb")


class Coloured:
    """A clip of 12 frames; each has a colour and a class of its own, and its own number in the first channel."""

    name = "coloured"
    labelled = range(12)

    def frame(self, index):
        image = np.random.default_rng(index).integers(0, 256, (3, 64, 96), dtype=np.uint8)
        image[0] = index
        labels = np.full((64, 96), index % CLASSES, np.uint8)
        labels[:8] = 255
        return image, labels

    def flow(self, index, key):
        return None


PLAIN = Augmentation((64, 96), scale=(1.0, 1.0), flip=False, jitter=False)


def sampler_of(name, augmentation=PLAIN):
    if name in CLIP_TASKS:
        return ClipSampler([Coloured()], augmentation, seed=1)
    if name in ("etc", "netwarp"):
        return ClipSampler([Coloured()], augmentation, seed=1, offsets=SUCCESSIVE, reverse=False)
    return Sampler([Coloured()], augmentation, None, seed=1)


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


def test_every_parameter_is_trained(name, make):
    task = make(name).train()
    total(task, sampler_of(name).batch(0, range(4))).backward()
    without = [
        key for key, value in task.model.named_parameters() if value.grad is None or not value.grad.abs().max() > 0
    ]
    assert [key for key in without if not key.startswith("flow.")] == []


def test_a_step_along_the_gradient_lowers_the_loss(name, make):
    task, batch = make(name).eval(), sampler_of(name).batch(0, range(2))
    before = total(task, batch)
    before.backward()
    trained = [value for value in task.model.parameters() if value.requires_grad]
    norm = sum(float(value.grad.square().sum()) for value in trained)
    with torch.no_grad():
        for value in trained:
            value -= 1e-3 * value.grad / norm**0.5
        fallen = float(before - total(task, batch))
    # A step of length 1e-3 against the gradient lowers the loss by 1e-3 times its norm, to first order.
    assert fallen == pytest.approx(1e-3 * norm**0.5, rel=0.2)


def test_a_stopped_run_ends_as_an_uninterrupted_one(name, tmp_path):
    """With dropout, stochastic depth and running means, which a checkpoint must keep too."""
    options = LoopOptions(
        steps=4, optimiser=OptimiserOptions(lr=1e-3), log_every=1, validate_every=4, checkpoint_every=2
    )
    augmentation = replace(PLAIN, flip=True, jitter=True)

    class StoppedError(Exception):
        pass

    def run(folder, stop_at=None):
        folder.mkdir(exist_ok=True)
        torch.manual_seed(0)
        task, sampler = TASKS[name](), sampler_of(name, augmentation)

        def data(step):
            if step == stop_at:
                raise StoppedError
            return sampler.batch(step, range(2))

        process = Process(0, 1, torch.device("cpu"))
        history = train(task, data, options, Hooks(dict), folder=folder, process=process, identity=name)
        return task.model.state_dict(), history

    with pytest.raises(StoppedError):
        run(tmp_path / "stopped", stop_at=3)
    resumed, history = run(tmp_path / "stopped")
    expected, expected_history = run(tmp_path / "whole")
    assert history == expected_history
    for key, value in expected.items():
        assert torch.equal(resumed[key], value), key


def test_losses_of_an_image_network(make):
    """Cross-entropy over the labelled pixels of the upsampled scores; 0.4 of it for the auxiliary head."""
    task, batch = make("pspnet").eval(), sampler_of("pspnet").batch(0, range(2))
    losses = task(batch)
    labels = batch.labels.long()
    for key, scores, weight in zip(("pixel", "auxiliary"), task.model.every_head(batch.frames), (1, 0.4), strict=True):
        full = F.interpolate(scores, (64, 96), mode="bilinear", align_corners=False)
        torch.testing.assert_close(losses[key], weight * F.cross_entropy(full, labels, ignore_index=255))


@pytest.mark.parametrize("method", ["cffm", "mrcfa"])
def test_losses_of_a_clip_are_of_its_own_frames_and_labels(method, make):
    """Swapping two frames' labels changes only the loss of the frames alone; swapping the target's changes both."""
    task, batch = make(method).eval(), sampler_of(method).batch(0, range(1))
    losses = task(batch)
    swapped = task(replace(batch, reference_labels=batch.reference_labels.flip(1)))
    assert torch.equal(swapped["target"], losses["target"])
    assert not torch.isclose(swapped["frames"], losses["frames"])
    other = task(replace(batch, labels=(batch.labels + 1) % CLASSES))
    assert not torch.isclose(other["target"], losses["target"])
    expected = {"cffm": cffm_losses, "mrcfa": mrcfa_losses}[method](task.model(batch.clips()), batch.clip_labels())
    torch.testing.assert_close(losses, expected)


class TestEtc:
    def test_loss_of_a_pair_and_the_flow_between_its_frames(self, make):
        task, batch = make("etc").eval(), sampler_of("etc").batch(0, range(2))
        (network,) = task._flow
        previous = batch.references[:, 0]
        flow = network.frame_flow(batch.frames, previous).detach()
        labels = batch.labels, batch.reference_labels[:, 0]
        expected = etc_loss(task.model, batch.frames, previous, *labels, flow)
        torch.testing.assert_close(task(batch), {"etc": expected})

    def test_flow_is_in_pixels_of_the_frame(self):
        """A published FlowNetS says a twentieth of the pixels of its input, which is half the frame."""

        class Constant(FlowNetS):
            def __init__(self):
                torch.nn.Module.__init__(self)

            def forward(self, pair):
                return torch.tensor((8 / 40, -16 / 40)).view(1, 2, 1, 1).expand(len(pair), 2, 8, 12)

        frames = torch.zeros(3, 3, 60, 90, dtype=torch.uint8)
        flow = Constant().frame_flow(frames, frames)
        assert flow.shape == (3, 2, 60, 90)
        torch.testing.assert_close(flow, torch.tensor((8.0, -16.0)).view(1, 2, 1, 1).expand_as(flow))

    def test_flow_leads_from_a_frame_to_the_one_before(self):
        """As `FlowNetS.flow` has it, which is in pixels of its own grid, an eighth of the padded frame."""
        network = FLOW().eval()
        frames = torch.randint(0, 256, (2, 3, 64, 96), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
        flow = network.frame_flow(frames[0], frames[1])
        own = network.flow(frames[0], frames[1])
        expected = F.interpolate(8 * own, (64, 96), mode="bilinear", align_corners=False)
        torch.testing.assert_close(flow, expected)

    def test_the_flow_network_stays(self, make):
        task = make("etc").train()
        (network,) = task._flow
        assert not network.training
        total(task, sampler_of("etc").batch(0, range(2))).backward()
        assert all(value.grad is None for value in network.parameters())
        assert not any("flow" in name for name in task.model.state_dict())

    def test_pairs_are_of_successive_frames(self):
        batch = sampler_of("etc").batch(0, range(30))
        seen = {tuple(int(frame[0, 0, 0]) for frame in clip) for clip in batch.clips()}
        assert seen <= {(index, index + 1) for index in range(11)}
        assert len(seen) > 5

    def test_single_frames_are_refused(self):
        with pytest.raises(UserError, match="trained on pairs of labelled frames, and the batch has none"):
            TASKS["etc"]()(sampler_of("segformer").batch(0, [0]))


class TestNetWarp:
    def test_losses_are_of_what_it_predicts(self, make):
        """The cross-entropy of `propagate`'s scores, and 0.4 of that of the coarse head on both frames."""
        task, batch = make("netwarp").eval(), sampler_of("netwarp").batch(0, range(1))
        model, previous = task.model, batch.references[0, 0]
        losses = task(batch)
        _, state = model.segment(previous, coming=[previous])
        scores = model.propagate(batch.frames[0], state)[0].scores()[None]
        expected = F.cross_entropy(scores, batch.labels.long(), ignore_index=255)
        torch.testing.assert_close(losses["pixel"], expected)
        both = torch.cat((batch.frames, batch.references[:, 0]))
        _, coarse = model.segmentor.every_head(both)
        full = F.interpolate(coarse, (64, 96), mode="bilinear", align_corners=False)
        labels = torch.cat((batch.labels, batch.reference_labels[:, 0])).long()
        torch.testing.assert_close(losses["auxiliary"], 0.4 * F.cross_entropy(full, labels, ignore_index=255))

    def test_the_flow_network_stays(self, make):
        task = make("netwarp").train()
        assert not task.model.flow.training
        total(task, sampler_of("netwarp").batch(0, range(2))).backward()
        assert all(value.grad is None for value in task.model.flow.parameters())


class TestTcb:
    def test_losses_are_of_a_clips_first_frame(self, make):
        """With the memory of its references' contexts and its own; 0.4 of the coarse head's loss on all four frames."""
        task, batch = make("tcb").eval(), sampler_of("tcb").batch(0, range(1))
        model, clip = task.model, list(batch.clips()[0])
        coming = [clip[-1]] * 9
        for place, reference in zip((2, 5, 8), clip[:-1], strict=True):
            coming[place] = reference
        losses = task(batch)
        scores = model.segment(clip[-1], coming=coming)[0].scores()[None]
        torch.testing.assert_close(losses["pixel"], F.cross_entropy(scores, batch.labels.long(), ignore_index=255))
        _, coarse = model.segmentor.every_head(batch.clips()[0])
        full = F.interpolate(coarse, (64, 96), mode="bilinear", align_corners=False)
        expected = 0.4 * F.cross_entropy(full, batch.clip_labels()[0].long(), ignore_index=255)
        torch.testing.assert_close(losses["auxiliary"], expected)

    def test_single_frames_are_refused(self):
        with pytest.raises(UserError, match="trained on clips of four labelled frames, and the batch has none"):
            TASKS["tcb"]()(sampler_of("segformer").batch(0, [0]))


class TestClips:
    def test_a_target_and_the_frames_9_6_and_3_before_it_either_way(self):
        """Frame 9, 10 or 11 is the last in time."""
        batch = sampler_of("cffm").batch(0, range(40))
        seen = {tuple(int(frame[0, 0, 0]) for frame in clip) for clip in batch.clips()}
        forward = {tuple(range(start, start + 10, 3)) for start in range(3)}
        assert seen == forward | {indices[::-1] for indices in forward}
        assert torch.equal(batch.clip_labels()[:, :, 20, 20], batch.clips()[:, :, 0, 0, 0] % CLASSES)
        assert (batch.clip_labels()[:, :, :8] == 255).all()
        assert batch.names[0].startswith("coloured[")

    def test_all_frames_are_seen_through_one_view(self):
        class Still(Coloured):
            def frame(self, index):
                return super().frame(0)

        sampler = ClipSampler([Still()], Augmentation((32, 48)), seed=1)
        batch = sampler.batch(3, range(4))
        for clip, labels in zip(batch.clips(), batch.clip_labels(), strict=True):
            assert all(torch.equal(frame, clip[0]) for frame in clip)
            assert all(torch.equal(one, labels[0]) for one in labels)
        assert len({clip.float().mean().item() for clip in batch.clips()}) == 4

    def test_a_clip_is_a_function_of_seed_step_and_index(self):
        sampler = sampler_of("cffm", Augmentation((32, 48)))
        one, again = sampler.batch(5, [2]), sampler.batch(5, [1, 2])
        assert torch.equal(one.clips()[0], again.clips()[1])
        assert (one.names[0], one.seeds[0]) == (again.names[1], again.seeds[1])

    @pytest.mark.parametrize("labelled", [range(9), [0, 3, 6, 11], [11]])
    def test_a_clip_without_four_labelled_frames_at_their_distances_is_refused(self, labelled):
        clip = Coloured()
        clip.labelled = labelled
        message = "clip coloured has no labelled frame with labels 9, 6 and 3 frames before it, as training needs"
        with pytest.raises(UserError, match=message):
            ClipSampler([clip], PLAIN, seed=0)

    def test_no_clips_are_refused(self):
        with pytest.raises(UserError, match="there are no clips to train on"):
            ClipSampler([], PLAIN, seed=0)

    def test_single_frames_are_refused(self):
        with pytest.raises(UserError, match="trained on clips of four frames, and the batch has none"):
            TASKS["cffm"]()(sampler_of("segformer").batch(0, [0]))


def test_batch_norms_are_not_decayed():
    task = TASKS["pspnet"]()
    optimiser = build_optimiser(task.model, OptimiserOptions())
    decay = {id(value): group["weight_decay"] for group in optimiser.param_groups for value in group["params"]}
    norms = [module for module in task.model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms
    assert {decay[id(value)] for norm in norms for value in norm.parameters()} == {0}
    assert decay[id(task.model.decode_head.conv_seg.weight)] == 0.05


def test_a_narrow_network_is_narrow_throughout():
    """ResNet-18 of a quarter of its width: a stem of 8, 8 and 16 channels, stages of 16 to 128, heads of 32 and 16."""
    make = partial(build_cnn, "pspnet", num_classes=CLASSES, depth=18, auxiliary=True)
    shapes = {name: tuple(tensor.shape) for name, tensor in make(width=16).state_dict().items()}
    assert shapes["backbone.stem.0.weight"][0] == shapes["backbone.stem.3.weight"][0] == 8
    assert shapes["backbone.stem.6.weight"][0] == 16
    assert [shapes[f"backbone.layer{stage}.1.conv2.weight"][0] for stage in range(1, 5)] == [16, 32, 64, 128]
    assert shapes["decode_head.conv_seg.weight"] == (CLASSES, 32, 1, 1)
    assert shapes["auxiliary_head.conv_seg.weight"] == (CLASSES, 16, 1, 1)
