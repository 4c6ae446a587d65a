"""MRCFA's selection, refinement, padding and sizes."""

import pytest
import torch
import torch.nn.functional as F

from baselines.clips.network import ClipScores
from baselines.mrcfa import build_mrcfa
from baselines.mrcfa.affinity import CrossFrameAffinity, ReferenceTokens
from baselines.mrcfa.loss import mrcfa_losses
from baselines.mrcfa.names import _RULES
from baselines.mrcfa.refine import AffinityRefiner, ConvChain
from mpvss.checkpoints import load_checkpoint
from mpvss.checkpoints.formats import renamed

CASES = {32: ("mrcfa_b0_c124_96x160_s31", 124), 16: ("mrcfa16_b0_c19_96x160_s32", 19)}
UNUSED_CLASSIFIER = 128 + 1
"""Weights per class of the published `conv_seg`, which the paper counts and no program uses."""


@pytest.mark.parametrize("stride", CASES)
def test_affinities_and_selection(stride, undrawn, rival_state, rival_arrays, assert_near):
    case, classes = CASES[stride]
    golden = rival_arrays(case)
    with undrawn():
        network = build_mrcfa("mit-b0", classes, stride).eval()
    load_checkpoint(network, rival_state(case))
    with torch.inference_mode():
        features = network.encode(torch.from_numpy(golden["images"]))
        queries = network.affinity.queries(features.of_frame(3, 4).maps[1:])
        for index in range(3):
            shares, selected = network.affinity(queries, network.reference(features.of_frame(index, 4)))
            assert_near(shares[0].T, golden["affinity"][index])
            assert selected[0].tolist() == golden["selected"][index].nonzero()[0].tolist()


def tokens(grid, coarse_grid) -> ReferenceTokens:
    """Of a grid; their content plays no part in the selection."""
    count, coarse = grid[0] * grid[1], coarse_grid[0] * coarse_grid[1]
    keys = (torch.zeros(1, count, 2), torch.zeros(1, count, 2), torch.zeros(1, coarse, 2))
    return ReferenceTokens(keys, torch.zeros(1, count, 2), grid, coarse_grid)


class TestSelection:
    @pytest.fixture
    def affinity(self):
        return CrossFrameAffinity((2, 2, 2), kept=0.5, deep=False)

    def test_sums_of_the_five_strongest_in_raster_order(self, affinity):
        coarse = torch.zeros(1, 4, 8)
        coarse[0, 0, :6] = 1.0  # five of them count: 5
        coarse[0, 1, 0] = 5.5
        coarse[0, 2, :4] = 1.2  # 4.8
        coarse[0, 3] = torch.tensor([3.0, 3.0, 0, 0, 0, -9, -9, -9])  # 6
        assert affinity.select(coarse, tokens((2, 2), (2, 2))).tolist() == [[1, 3]]

    def test_share_is_rounded_down_and_one_is_left(self, affinity):
        coarse = torch.arange(5.0).view(1, 5, 1)
        assert affinity.select(coarse, tokens((1, 5), (1, 5))).tolist() == [[3, 4]]
        assert affinity.select(coarse[:, :1], tokens((1, 1), (1, 1))).tolist() == [[0]]

    def test_on_a_finer_grid(self, affinity):
        """Two tokens of strengths 0 and 4 are 0, 1, 3 and 4 at half the stride."""
        coarse = torch.tensor([0.0, 4.0]).view(1, 2, 1)
        assert affinity.select(coarse, tokens((2, 4), (1, 2))).tolist() == [[2, 3, 6, 7]]


@pytest.mark.parametrize("deep", [False, True])
def test_refinement(deep, filled):
    """Convolution, norm over the whole image, ReLU; scales added from coarse to fine with aligned corners."""
    refiner = filled(AffinityRefiner(deep=deep), seed=4)
    generator = torch.Generator().manual_seed(0)
    images = [torch.randn(3, 1, 2 * side, 3 * side, generator=generator) for side in (4, 2, 1)]

    def chain(x: torch.Tensor, layers: ConvChain) -> torch.Tensor:
        for conv, norm in zip(layers.convs, layers.norms, strict=True):
            x = F.conv2d(x, conv.weight, conv.bias, padding=conv.weight.shape[-1] // 2)
            mean = x.mean((1, 2, 3), keepdim=True)
            deviation = (x.var((1, 2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
            x = (x - mean) / deviation * norm.weight[:, None, None] + norm.bias[:, None, None]
            x = x.clamp(min=0)
        return x

    fine, middle, coarse = (chain(x, layers) for x, layers in zip(images, refiner.scales, strict=True))
    up = torch.nn.UpsamplingBilinear2d  # corners aligned
    x = chain(up((4, 6))(coarse) + middle, refiner.merge[0])
    expected = chain(up((8, 12))(x) + fine, refiner.merge[1])
    assert expected.shape == (3, 1, 8, 12)
    torch.testing.assert_close(refiner(*images), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(64, 96), (75, 110), (64, 97)])
def test_frames_are_padded_and_scores_cropped(size, undrawn, filled, frames):
    """As if the frame had been padded with the mean, which is zero once normalised."""
    with undrawn():
        network = filled(build_mrcfa("mit-nano", 5), seed=1).eval()
    clip = torch.stack(frames(*size, count=4)).float()
    height, width = (-(-side // 32) * 32 for side in size)
    padded = network.segmentor.pixel_mean.expand(4, 3, height, width).clone()
    padded[..., : size[0], : size[1]] = clip

    def last(frames):
        with torch.inference_mode():
            prediction, state = network.segment(frames[0])
            for frame in frames[1:]:
                prediction, state = network.propagate(frame, state)
            return prediction.scores()

    torch.testing.assert_close(last(clip), last(padded)[:, : size[0], : size[1]], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("backbone", "classes", "stride", "millions"),
    [
        ("mit-b0", 19, 32, 5.15),
        ("mit-b1", 19, 32, 16.19),
        ("mit-b2", 124, 32, 27.38),
        ("mit-b5", 124, 32, 84.63),
        ("mit-b0", 19, 16, 4.24),
        ("mit-b1", 19, 16, 14.90),
    ],
)
def test_parameters_as_published(backbone, classes, stride, millions):
    with torch.device("meta"):
        network = build_mrcfa(backbone, classes, stride)
    count = sum(p.numel() for p in network.parameters()) + classes * UNUSED_CLASSIFIER
    assert round(count / 1e6, 2) == millions


@pytest.mark.parametrize("stride", CASES)
def test_every_published_tensor_has_its_place(stride, rival_shapes):
    case, classes = CASES[stride]
    shapes = rival_shapes(case)
    with torch.device("meta"):
        network = build_mrcfa("mit-b0", classes, stride)
        report = load_checkpoint(network, {name: torch.empty(shape) for name, shape in shapes.items()})
    assert report.missing == ()
    assert report.left_over == ("decode_head.conv_seg.weight", "decode_head.conv_seg.bias")
    assert len(report.loaded) == len(shapes) - 2


class TestB1:
    """Its refinements have a second convolution, whose published names follow those of the first."""

    def published_names(self, rival_shapes) -> list[str]:
        names = list(rival_shapes("mrcfa_b0_c124_96x160_s31"))
        for chain in ("4", "3", "2", "4to3", "3to2"):
            prefix = f"decode_head.hypercorre_module.hpn.encoder_layer{chain}"
            names += [f"{prefix}.{at}.{leaf}" for at in ("3.conv2", "4") for leaf in ("weight", "bias")]
        return [name for name in names if "conv_seg" not in name]

    def test_published_names(self, undrawn, filled, rival_shapes):
        with undrawn():
            saved, fresh = (filled(build_mrcfa("mit-b1", 5), seed) for seed in (1, 2))
        names = self.published_names(rival_shapes)
        ours = renamed({name: torch.tensor(index) for index, name in enumerate(names)}, _RULES)
        assert len(ours) == len(names) == len(saved.state_dict())
        state = {key.removeprefix("segmentor."): tensor for key, tensor in saved.state_dict().items()}
        report = load_checkpoint(fresh, {names[at]: state[name] for name, at in ours.items()})
        assert (report.kind, report.missing, report.left_over) == ("published", (), ())
        assert all(torch.equal(tensor, fresh.state_dict()[name]) for name, tensor in saved.state_dict().items())

    def test_shallow_refinement_is_refused(self, undrawn, filled, rival_shapes):
        with undrawn():
            network = build_mrcfa("mit-b1", 5)
        state = {
            name: tensor
            for name, tensor in network.state_dict().items()
            if "convs.1" not in name and "norms.1" not in name
        }
        with pytest.raises(ValueError, match=r"it has convolutions in a refinement 1; the module has .* 2"):
            load_checkpoint(network, state)


class TestLoss:
    def test_weights(self):
        """Classes that score alike: log 2 a pixel, of every output."""
        scores = ClipScores(torch.zeros(1, 4, 2, 2, 2), torch.zeros(1, 2, 2, 2), (torch.zeros(1, 2, 2, 2),) * 3)
        labels = torch.zeros(1, 4, 2, 2, dtype=torch.uint8)
        labels[:, :2] = 255
        log2 = torch.tensor(2.0).log()
        losses = mrcfa_losses(scores, labels)
        torch.testing.assert_close(losses["frames"], log2 / 2 * 2 / 4)
        torch.testing.assert_close(losses["target"], log2)
        torch.testing.assert_close(mrcfa_losses(scores, labels, target_alone=True)["frames"], log2 / 2)


class TestRefused:
    def test_unknown_backbone(self):
        with pytest.raises(ValueError, match="MRCFA has no backbone 'r50'; known are mit-b0, mit-b1, mit-b2, mit-b5"):
            build_mrcfa("r50", 19)

    def test_unknown_stride(self, without_shape_checks):
        with pytest.raises(ValueError, match="reference_stride is 8; it must be 32 or 16"):
            build_mrcfa("mit-nano", 19, 8)
