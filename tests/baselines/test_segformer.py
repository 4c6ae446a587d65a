"""SegFormer against the published program's outputs, the transformers library, and published parameter counts."""

import re

import pytest
import torch
import transformers

from baselines.copy_prediction import CopyPrediction
from baselines.flownets import FlowNetS
from baselines.per_frame import PerFrame
from baselines.score_flow import ScoreFlow
from baselines.segformer import SegFormer, build_segformer
from baselines.segformer.head import AllMLPHead
from baselines.segformer.loss import pixel_cross_entropy
from baselines.segformer.mit import MixTransformer
from baselines.segformer.presets import BACKBONES
from mpvss.checkpoints import load_checkpoint, read_num_classes, save_checkpoint
from mpvss.video import uses_key_frames

CASE = "segformer_b0_c124_96x160_s31"
UNUSED_CLASSIFIER = 128 + 1
"""Weights per class of the published `conv_seg`, which the paper counts and no program uses."""


@pytest.fixture
def build(undrawn):
    """`build(backbone, classes, **options)`: a network in evaluation mode, without weights."""

    def make(*args, **options) -> SegFormer:
        with undrawn():
            return build_segformer(*args, **options).eval()

    return make


class TestGolden:
    @pytest.fixture(params=["lean", "paper"])
    def network(self, request, build, rival_state):
        network = build("mit-b0", 124, execution=request.param)
        load_checkpoint(network, rival_state(CASE))
        return network

    def test_maps_scores_labels_and_loss(self, network, rival_arrays, assert_near, assert_same_labels):
        golden = rival_arrays(CASE)
        frame = torch.from_numpy(golden["images"][0])
        with torch.inference_mode():
            maps = network.features(frame)
            fused = network.head.fused(maps)
            prediction = network.predict(frame)
            loss = pixel_cross_entropy(network(frame), torch.from_numpy(golden["targets"]))
        for name, step, found in zip(("c1", "c2", "c3", "c4"), (2, 2, 1, 1), maps, strict=True):
            assert_near(found[0, :, ::step, ::step], golden[name])
        assert_near(fused[0, :, ::2, ::2], golden["fused"])
        assert_near(prediction.coarse[:, ::2, ::2], golden["logits"])
        scores = prediction.scores()
        assert_near(scores[:, ::4, ::4], golden["scores"])
        assert_same_labels(prediction.labels(), scores, golden["labels"])
        assert_near(loss, golden["loss"])


def theirs_of(depths: tuple[int, ...], width: int, classes: int) -> torch.nn.Module:
    config = transformers.SegformerConfig(
        depths=list(depths),
        hidden_sizes=[8, 16, 24, 32],
        num_attention_heads=[1, 2, 3, 4],
        decoder_hidden_size=width,
        num_labels=classes,
    )
    network = transformers.SegformerForSemanticSegmentation(config).eval()
    for name, module in network.named_modules():
        # The library's norms all have PyTorch's 1e-5.
        if re.search(r"layernorm_before|layernorm_after|stages\.\d\.layer_norm$", name):
            module.eps = 1e-6
    return network


def ours_of(depths: tuple[int, ...], width: int, classes: int, execution: str) -> SegFormer:
    widths = (8, 16, 24, 32)
    return SegFormer(
        backbone=MixTransformer(widths=widths, depths=depths, heads=(1, 2, 3, 4)),
        head=AllMLPHead(in_channels=widths, width=width, num_classes=classes, folded=execution == "lean"),
    ).eval()


OLDER_NAMES = (
    (".patch_embeddings", "segformer.stages.{i}.patch_embeddings.", "segformer.encoder.patch_embeddings.{i}."),
    (".blocks", "segformer.stages.{i}.blocks.", "segformer.encoder.block.{i}."),
    (".layer_norm", "segformer.stages.{i}.layer_norm.", "segformer.encoder.layer_norm.{i}."),
)
OLDER_PARTS = {
    ".layernorm_before.": ".layer_norm_1.",
    ".layernorm_after.": ".layer_norm_2.",
    ".q_proj.": ".self.query.",
    ".k_proj.": ".self.key.",
    ".v_proj.": ".self.value.",
    ".o_proj.": ".output.dense.",
    ".sequence_reduction.sequence_reduction.": ".self.sr.",
    ".sequence_reduction.layer_norm.": ".self.layer_norm.",
    ".fc1.": ".dense1.",
    ".fc2.": ".dense2.",
    "linear_projections.": "linear_c.",
}


def older_name(name: str) -> str:
    """The library's name of a tensor in the files on its hub."""
    for index in range(4):
        for _, new, old in OLDER_NAMES:
            prefix = new.format(i=index)
            if name.startswith(prefix):
                name = old.format(i=index) + name.removeprefix(prefix)
    for new, old in OLDER_PARTS.items():
        name = name.replace(new, old)
    return name


class TestLibrary:
    """Narrow networks as deep as B1 to B5, with the library's weights."""

    @pytest.mark.parametrize("execution", ["lean", "paper"])
    @pytest.mark.parametrize(
        ("backbone", "size", "width", "classes"),
        [
            ("mit-b1", (64, 96), 16, 7),
            ("mit-b2", (97, 61), 24, 124),
            ("mit-b3", (50, 133), 16, 19),
            ("mit-b4", (64, 64), 8, 1),
            ("mit-b5", (75, 100), 32, 5),
        ],
    )
    def test_same_scores(self, backbone, size, width, classes, execution, filled, frames):
        depths = BACKBONES[backbone].depths
        theirs = filled(theirs_of(depths, width, classes), seed=3)
        ours = ours_of(depths, width, classes, execution)
        report = load_checkpoint(ours, theirs.state_dict())
        assert (report.kind, report.missing, report.left_over) == ("transformers", (), ())
        frame = frames(*size, count=1)[0]
        ours, theirs = ours.double(), theirs.double()
        with torch.inference_mode():
            normed = (frame.double() - ours.pixel_mean) / ours.pixel_std
            expected = theirs(pixel_values=normed[None]).logits
            found = ours(frame.double())
        assert expected.std() > 1e-3
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-8)

    def test_names_in_the_librarys_older_files(self, filled):
        theirs = filled(theirs_of((1, 2, 1, 1), 8, 3), seed=1).state_dict()
        older = {older_name(name): tensor for name, tensor in theirs.items()}
        assert {
            "segformer.encoder.patch_embeddings.0.proj.weight",
            "segformer.encoder.block.0.0.attention.self.sr.weight",
            "segformer.encoder.layer_norm.3.bias",
            "segformer.encoder.block.1.1.mlp.dense1.weight",
            "decode_head.linear_c.0.proj.weight",
        } <= set(older)
        new, old = ours_of((1, 2, 1, 1), 8, 3, "lean"), ours_of((1, 2, 1, 1), 8, 3, "lean")
        load_checkpoint(new, theirs)
        report = load_checkpoint(old, older)
        assert (report.kind, report.missing, report.left_over) == ("transformers", (), ())
        for name, tensor in new.state_dict().items():
            assert torch.equal(tensor, old.state_dict()[name]), name


class TestParameters:
    @pytest.mark.parametrize(
        ("backbone", "width", "classes", "millions"),
        [
            ("mit-b2", 256, 124, 24.77),
            ("mit-b2", 768, 124, 27.46),
            ("mit-b5", 256, 124, 82.02),
            ("mit-b5", 768, 124, 84.70),
            ("mit-b1", 256, 19, 13.68),
            ("mit-b5", 768, 19, 84.61),
        ],
    )
    def test_as_published(self, backbone, width, classes, millions):
        with torch.device("meta"):
            network = build_segformer(backbone, classes, width=width)
        count = sum(p.numel() for p in network.parameters()) + classes * UNUSED_CLASSIFIER
        assert round(count / 1e6, 2) == millions

    @pytest.mark.parametrize(("backbone", "width"), [("mit-b1", 256), ("mit-b2", 768)])
    def test_width_of_the_publication_unless_given(self, backbone, width):
        with torch.device("meta"):
            assert build_segformer(backbone, 19).head.classify.in_channels == width

    def test_unknown_backbone(self):
        with pytest.raises(ValueError, match=r"unknown MiT backbone 'b9'; known are mit-b0, .*mit-micro"):
            build_segformer("b9", 19)


class TestCheckpoint:
    def test_every_published_tensor_has_its_place(self, build, rival_shapes):
        shapes = rival_shapes(CASE)
        with torch.device("meta"):
            network = build_segformer("mit-b0", 124)
            report = load_checkpoint(network, {name: torch.empty(shape) for name, shape in shapes.items()})
        assert (report.kind, report.missing) == ("published", ())
        assert report.left_over == ("decode_head.conv_seg.weight", "decode_head.conv_seg.bias")
        assert len(report.loaded) == len(shapes) - 2

    @pytest.mark.parametrize(
        ("backbone", "classes", "options", "message"),
        [
            ("mit-b1", 124, {}, r"backbone's widths \(32, 64, 160, 256\); the module has .*\(64, 128, 320, 512\)"),
            ("mit-b0", 124, {"width": 768}, "it has decoder width 256; the module has decoder width 768"),
            ("mit-b0", 19, {}, "made for 124 classes, the module for 19"),
        ],
    )
    def test_another_variant_is_refused(self, backbone, classes, options, message, build, rival_state):
        network = build(backbone, classes, **options)
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        with pytest.raises(ValueError, match=message):
            load_checkpoint(network, rival_state(CASE))
        assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())

    def test_another_depth_is_refused(self, filled):
        with pytest.raises(ValueError, match=r"depths \(1, 1, 1, 1\); the module has .*depths \(1, 2, 1, 1\)"):
            load_checkpoint(
                ours_of((1, 2, 1, 1), 8, 3, "lean"), filled(theirs_of((1, 1, 1, 1), 8, 3), seed=1).state_dict()
            )

    def test_other_classes_leave_the_class_head_alone(self, build, rival_state):
        report = load_checkpoint(build("mit-b0", 19), rival_state(CASE), any_classes=True)
        assert set(report.missing) == {"head.classify.weight", "head.classify.bias"}

    def test_missing_tensor(self, build, rival_state):
        state = rival_state(CASE)
        del state["backbone.block2.1.attn.sr.bias"]
        with pytest.raises(ValueError, match=r"missing 1 tensor\(s\) .*stages\.1\.blocks\.1\.attention\.reduce\.bias"):
            load_checkpoint(build("mit-b0", 124), state)

    def test_backbone_trained_alone(self, build, rival_state):
        """Its names have no prefix, and it has a classifier of images."""
        state = rival_state(CASE)
        alone = {
            name.removeprefix("backbone."): tensor for name, tensor in state.items() if name.startswith("backbone.")
        }
        alone |= {"head.weight": torch.zeros(1000, 256), "head.bias": torch.zeros(1000)}
        network = build("mit-b0", 19)
        report = load_checkpoint(network, alone)
        assert {name.split(".")[0] for name in report.loaded} == {"backbone"}
        assert {name.split(".")[0] for name in report.missing} == {"head"}
        weight = network.backbone.stages[3].blocks[1].attention.key_value.weight
        assert torch.equal(weight, state["backbone.block4.1.attn.kv.weight"])

    def test_into_a_baseline_and_back(self, build, rival_state, tmp_path):
        saved, fresh = PerFrame(segmentor=build("mit-b0", 124)), PerFrame(segmentor=build("mit-b0", 124))
        assert load_checkpoint(saved, rival_state(CASE)).missing == ()
        save_checkpoint(saved, tmp_path / "a.safetensors", {})
        report = load_checkpoint(fresh, tmp_path / "a.safetensors")
        assert (report.kind, report.missing, report.left_over) == ("ours", (), ())
        assert read_num_classes(tmp_path / "a.safetensors", SegFormer.checkpoint_format) == 124
        assert read_num_classes(tmp_path / "a.safetensors") is None


class ShiftedFlow(FlowNetS):
    """A flow known beforehand: 4 pixels at 1/8 to the right, everywhere."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)

    def flow(self, frame, key_frame):
        height, width = (-(-side // 32) * 4 for side in frame.shape[1:])
        return torch.tensor([4.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, height, width)


class TestAsSegmentor:
    """Under the baselines that take any segmentor of one image."""

    @pytest.fixture
    def network(self, build, filled):
        return filled(build("mit-nano", 5), seed=2)

    def test_per_frame(self, network, frames):
        method = PerFrame(segmentor=network)
        assert not uses_key_frames(method)
        first, second = frames(64, 96)
        with torch.inference_mode():
            _, state = method.segment(first)
            prediction, _ = method.propagate(second, state)
            assert torch.equal(prediction.scores(), network.predict(second).scores())

    def test_copy(self, network, frames):
        method = CopyPrediction(segmentor=network)
        assert uses_key_frames(method)
        first, second = frames(64, 96)
        with torch.inference_mode():
            prediction, state = method.segment(first)
            assert torch.equal(method.propagate(second, state)[0].labels(), prediction.labels())

    def test_optical_flow(self, network, frames):
        """4 pixels at 1/8 are 8 at the scores' 1/4."""
        method = ScoreFlow(segmentor=network, flow=ShiftedFlow())
        first, second = frames(64, 96)
        with torch.inference_mode():
            key, state = method.segment(first)
            moved, _ = method.propagate(second, state)
        torch.testing.assert_close(moved.coarse[:, :, :-8], key.coarse[:, :, 8:], rtol=1e-4, atol=1e-5)

    def test_small_frames_are_refused(self, network):
        with torch.inference_mode():
            network.predict(torch.zeros(3, 29, 29))
            with pytest.raises(ValueError, match="the frame is 64x28; MiT takes sides of 29 pixels or more"):
                network.predict(torch.zeros(3, 28, 64))


class TestLoss:
    def test_ignored_pixels_count_in_the_mean(self):
        """Two classes that score alike: log 2 at each of the 3 labelled pixels of 4."""
        labels = torch.tensor([[[0, 1], [255, 1]]], dtype=torch.uint8)
        loss = pixel_cross_entropy(torch.zeros(1, 2, 2, 2), labels)
        torch.testing.assert_close(loss, torch.tensor(2.0).log() * 3 / 4)

    def test_training_reaches_every_weight(self, filled, frames):
        network = filled(ours_of((1, 1, 1, 1), 8, 3, "lean"), seed=1).train()
        labels = torch.randint(0, 3, (2, 64, 96), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
        torch.manual_seed(0)
        pixel_cross_entropy(network(torch.stack(frames(64, 96))), labels).backward()
        assert [name for name, p in network.named_parameters() if p.grad is None] == []

    def test_stochastic_depth_acts_in_training_alone(self, filled):
        backbone = filled(MixTransformer(widths=(8,), depths=(2,), heads=(1,), drop_path=0.5), seed=1)
        image = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
        torch.manual_seed(3)
        assert not torch.equal(backbone.train()(image)[0], backbone.train()(image)[0])
        assert torch.equal(backbone.eval()(image)[0], backbone.eval()(image)[0])
