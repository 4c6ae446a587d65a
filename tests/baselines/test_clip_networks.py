"""What CFFM-VSS and MRCFA have in common: golden outputs, the state, both executions, training."""

from functools import partial

import pytest
import torch

from baselines.cffm import build_cffm
from baselines.cffm.loss import cffm_losses
from baselines.clips.start import TooFewFramesError, reference_frames
from baselines.mrcfa import build_mrcfa
from baselines.mrcfa.loss import mrcfa_losses
from baselines.segformer import build_segformer
from mpvss.checkpoints import load_checkpoint, read_num_classes, save_checkpoint
from mpvss.video import Prediction, VideoSegmenter, uses_key_frames

CLASSES = 5
METHODS = {
    "cffm": build_cffm,
    "mrcfa": build_mrcfa,
    "mrcfa16": partial(build_mrcfa, reference_stride=16),
}
LOSSES = {"cffm": cffm_losses, "mrcfa": mrcfa_losses, "mrcfa16": mrcfa_losses}
GOLDEN = {
    "cffm": ("cffm_b0_c124_96x160_s31", 124),
    "mrcfa": ("mrcfa_b0_c124_96x160_s31", 124),
    "mrcfa16": ("mrcfa16_b0_c19_96x160_s32", 19),
}


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


@pytest.fixture
def build(undrawn, filled):
    """`build(method, backbone, seed, **options)`: in evaluation mode, every tensor drawn."""

    def make(method, backbone="mit-nano", seed=1, num_classes=CLASSES, **options):
        with undrawn():
            network = METHODS[method](backbone, num_classes, **options)
        return filled(network, seed).eval()

    return make


def run(network, clip):
    """The predictions and states of a clip's frames, in turn."""
    predictions, states = [], []
    with torch.inference_mode():
        for frame in clip:
            prediction, state = network.propagate(frame, states[-1]) if states else network.segment(frame)
            predictions.append(prediction)
            states.append(state)
    return predictions, states


def assert_same_prediction(ours, other) -> None:
    """Labels equal but where rounding decides."""
    scores = other.scores()
    torch.testing.assert_close(ours.scores(), scores, rtol=1e-3, atol=1e-4)
    best = scores.topk(2, dim=0).values
    sure = best[0] - best[1] > 1e-3
    assert sure.float().mean() > 0.9
    assert torch.equal(ours.labels()[sure], other.labels()[sure])


@pytest.mark.parametrize("execution", ["lean", "paper"])
def test_golden(method, execution, undrawn, rival_state, rival_arrays, assert_near, assert_same_labels):
    case, classes = GOLDEN[method]
    golden = rival_arrays(case)
    with undrawn():
        network = METHODS[method]("mit-b0", classes, execution=execution).eval()
    report = load_checkpoint(network, rival_state(case))
    assert (report.kind, report.missing) == ("published", ())
    assert report.left_over == ("decode_head.conv_seg.weight", "decode_head.conv_seg.bias")
    clip = torch.from_numpy(golden["images"])
    with torch.inference_mode():
        features = network.encode(clip)
        scores = network(clip[None])
        losses = LOSSES[method](scores, torch.from_numpy(golden["targets"])[None])
    for name, step, level in zip(("c1", "c2", "c3", "c4"), (2, 2, 1, 1), features.maps, strict=True):
        assert_near(level[-1, :, ::step, ::step], golden[name])
    assert_near(features.fused[-1, :, ::2, ::2], golden["fused"])
    assert_near(scores.target[0, :, ::2, ::2], golden["logits"])
    for index, from_one in enumerate(scores.references):
        assert_near(from_one[0, :, ::2, ::2], golden[f"reference_logits_{index}"])
    assert len(scores.references) == sum(name.startswith("reference_logits") for name in golden)
    assert_near(sum(losses.values()), golden["loss"])

    # The fourth frame of a clip has the three before it as references.
    predictions, _ = run(network, clip)
    assert_near(predictions[0].coarse[:, ::2, ::2], golden["first_logits"])
    assert_near(predictions[3].coarse[:, ::2, ::2], golden["logits"])
    full = predictions[3].scores()
    assert_near(full[:, ::4, ::4], golden["scores"])
    assert_same_labels(predictions[3].labels(), full, golden["labels"])


@pytest.mark.parametrize("size", [(64, 96), (75, 110)])
def test_lean_and_paper_say_the_same(method, size, build, frames):
    clip = frames(*size, count=14)
    lean, lean_states = run(build(method), clip)
    paper, paper_states = run(build(method, execution="paper"), clip)
    for ours, other in zip(lean, paper, strict=True):
        assert tuple(ours.labels().shape) == size
        assert_same_prediction(ours, other)
    for ours, other in zip(lean_states, paper_states, strict=True):
        assert [index for index, _ in ours.kept] == [index for index, _ in other.kept]
        assert len(ours.kept) <= 9
    assert [index for index, _ in lean_states[-1].kept] == list(range(5, 14))


@pytest.mark.parametrize("execution", ["lean", "paper"])
def test_each_frame_has_the_references_of_the_rule(method, execution, build, frames):
    clip = frames(64, 96, count=12)
    network = build(method, execution=execution)
    predictions, _ = run(network, clip)
    for index, prediction in enumerate(predictions):
        references = reference_frames(index)
        with torch.inference_mode():
            if references:
                four = torch.stack([clip[at] for at in (*references, index)])
                expected = network(four[None]).target[0]
            else:
                expected = network.segmentor(clip[index])[0]
        torch.testing.assert_close(prediction.coarse, expected, rtol=1e-3, atol=1e-4)


def test_references_matter(method, build, frames):
    """Else the test above would say little."""
    clip = torch.stack(frames(64, 96, count=4))[None]
    other = clip.clone()
    other[:, 1] = clip[:, 3]
    network = build(method)
    with torch.inference_mode():
        assert (network(clip).target - network(other).target).abs().max() > 1e-3


def test_a_state_serves_again(method, build, frames):
    """It is a value: going on from it twice gives the same, and it does not change."""
    clip = frames(64, 96, count=6)
    network = build(method)
    _, states = run(network, clip)
    with torch.inference_mode():
        first, after = network.propagate(clip[5], states[4])
        network.propagate(clip[0], after)
        second, _ = network.propagate(clip[5], states[4])
    assert torch.equal(first.coarse, second.coarse)
    with pytest.raises(AttributeError):
        states[4].index = 0


def test_clips_of_a_batch_do_not_see_each_other(method, build, frames):
    pictures = torch.stack(frames(64, 96, count=8))
    clips = torch.stack((pictures[:4], pictures[4:]))
    network = build(method)
    with torch.inference_mode():
        together, alone = network(clips), network(clips[1:])
    torch.testing.assert_close(together.target[1:], alone.target, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(together.frames[1:], alone.frames, rtol=1e-3, atol=1e-4)


def test_interface(method, build, frames):
    network = build(method)
    assert isinstance(network, VideoSegmenter)
    assert network.num_classes == CLASSES
    assert not uses_key_frames(network)
    predictions, states = run(network, frames(64, 96))
    assert all(isinstance(prediction, Prediction) for prediction in predictions)
    with pytest.raises(ValueError, match=r"the frame is 64x64 and the frame before it 96x64; frames of one clip"):
        network.propagate(torch.zeros(3, 64, 64), states[-1])
    with pytest.raises(ValueError, match="a clip is 3 references and their target; got 3 frames"):
        network(torch.zeros(1, 3, 3, 64, 96))


@pytest.mark.parametrize("execution", ["lean", "paper"])
def test_cityscapes_rule_has_no_prediction_of_early_frames(method, execution, build, frames):
    clip = frames(64, 96, count=11)
    always, _ = run(build(method, execution=execution, clip_start="cityscapes"), clip)
    usual, _ = run(build(method, execution=execution), clip)
    for index, prediction in enumerate(always[:9]):
        for ask in (prediction.labels, prediction.scores):
            with pytest.raises(TooFewFramesError, match=f"frame {index} of the clip"):
                ask()
    for ours, other in zip(always[9:], usual[9:], strict=True):
        torch.testing.assert_close(ours.coarse, other.coarse, rtol=1e-3, atol=1e-4)


def test_training_reaches_every_weight(method, build, frames):
    network = build(method).train()
    clips = torch.stack(frames(64, 96, count=8)).unflatten(0, (2, 4))
    labels = torch.randint(0, CLASSES, (2, 4, 64, 96), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    with torch.inference_mode():
        network.eval()(clips)  # what this leaves behind must not be in the way of training
    torch.manual_seed(1)
    sum(LOSSES[method](network.train()(clips), labels).values()).backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []


class TestCheckpoints:
    def test_round_trip(self, method, build, tmp_path):
        saved, fresh = build(method, seed=1), build(method, seed=2)
        save_checkpoint(saved, tmp_path / "a.safetensors", {})
        report = load_checkpoint(fresh, tmp_path / "a.safetensors")
        assert (report.kind, report.missing, report.left_over) == ("ours", (), ())
        assert all(torch.equal(x, fresh.state_dict()[name]) for name, x in saved.state_dict().items())
        assert read_num_classes(tmp_path / "a.safetensors", type(saved).checkpoint_format) == CLASSES

    def test_segformer_starts_it(self, method, undrawn, rival_state):
        with undrawn():
            network = METHODS[method]("mit-b0", 124)
        report = load_checkpoint(network, rival_state("segformer_b0_c124_96x160_s31"))
        assert {name.split(".")[0] for name in report.loaded} == {"segmentor"}
        assert {name.split(".")[0] for name in report.missing} == {
            name.split(".")[0] for name in network.state_dict()
        } - {"segmentor"}

    def test_its_first_part_into_segformer(self, method, undrawn, rival_state):
        case, classes = GOLDEN[method]
        state = rival_state(case)
        with undrawn():
            network = build_segformer("mit-b0", classes)
        report = load_checkpoint(network, state)
        assert report.missing == ()
        assert torch.equal(network.head.fuse.weight, state["decode_head.linear_fuse.conv.weight"])

    @pytest.mark.parametrize(
        ("backbone", "classes", "message"),
        [
            ("mit-b1", None, r"widths \(32, 64, 160, 256\).*; the module has .*widths \(64, 128, 320, 512\)"),
            ("mit-b2", None, r"depths \(2, 2, 2, 2\).*; the module has .*depths \(3, 4, 6, 3\)"),
            ("mit-b0", 7, r"made for (19|124) classes, the module for 7"),
        ],
    )
    def test_another_variant_is_refused(self, method, backbone, classes, message, undrawn, rival_state):
        case, published = GOLDEN[method]
        with undrawn():
            network = METHODS[method](backbone, classes or published)
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        with pytest.raises(ValueError, match=message):
            load_checkpoint(network, rival_state(case))
        assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())

    @pytest.mark.parametrize(
        ("theirs", "ours", "message"),
        [
            ("cffm", "mrcfa", "it has method CFFM-VSS; the module has method MRCFA"),
            ("mrcfa", "cffm", "it has method MRCFA; the module has method CFFM-VSS"),
            ("mrcfa", "mrcfa16", "it has references at 1/32; the module has references at 1/16"),
        ],
    )
    def test_another_method_is_refused(self, theirs, ours, message, undrawn, build, rival_state, tmp_path):
        with undrawn():
            network = METHODS[ours]("mit-b0", 124)
        with pytest.raises(ValueError, match=message):
            load_checkpoint(network, rival_state(GOLDEN[theirs][0]))
        save_checkpoint(build(theirs), tmp_path / "a.safetensors", {})
        with pytest.raises(ValueError, match=message):
            load_checkpoint(build(ours), tmp_path / "a.safetensors")
