"""Matching and losses against the `transformers` library's, and by arithmetic."""

import math
from types import SimpleNamespace

import pytest
import torch

from mpvss.segmentor.query_decoder import Segments
from mpvss.training import points as points_module
from mpvss.training.losses import SegmentationCriterion
from mpvss.training.matcher import classes_in, match
from mpvss.training.points import draw_unsure_points, read_channels, read_classes, read_masks

modeling = pytest.importorskip("transformers.models.mask2former.modeling_mask2former")

CLASSES, QUERIES, POINTS = 7, 12, 300
HEIGHT, WIDTH = 64, 96


def segments(seed: int, batch: int, queries: int = QUERIES) -> Segments:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(batch, queries, 4, 6, generator=generator)
    masks = 4 * torch.nn.functional.interpolate(coarse, (HEIGHT // 4, WIDTH // 4), mode="bilinear")
    logits = 2 * torch.randn(batch, queries, CLASSES + 1, generator=generator)
    return Segments(torch.zeros(batch, queries, 8), logits.requires_grad_(), masks.requires_grad_())


def label_maps(seed: int, batch: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, CLASSES, (batch, 4, 6), generator=generator, dtype=torch.uint8)
    coarse[:, 0, 0] = 255
    return coarse.repeat_interleave(16, 1).repeat_interleave(16, 2)


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def theirs(layers, labels):
    """The library's weighted losses, summed over the layers, and its criterion."""
    config = SimpleNamespace(
        num_labels=CLASSES,
        no_object_weight=0.1,
        train_num_points=POINTS,
        oversample_ratio=3,
        importance_sample_ratio=0.75,
        class_weight=2.0,
        dice_weight=5.0,
        mask_weight=5.0,
    )
    criterion = modeling.Mask2FormerLoss(config, {})
    classes = [classes_in(x) for x in labels]
    masks = [(x[None] == present[:, None, None]).float() for x, present in zip(labels, classes, strict=True)]
    auxiliary = [{"masks_queries_logits": x.mask_logits, "class_queries_logits": x.class_logits} for x in layers[1:]]
    losses = criterion(layers[0].mask_logits, layers[0].class_logits, masks, classes, auxiliary)
    summed = {
        ours: weight * sum(value for name, value in losses.items() if name.startswith(prefix))
        for ours, prefix, weight in (
            ("class", "loss_cross_entropy", 2),
            ("mask", "loss_mask", 5),
            ("dice", "loss_dice", 5),
        )
    }
    return summed, criterion, masks, classes


@pytest.fixture
def same_points(monkeypatch):
    """Both draw the same points, whatever their order: each set is the start of one table."""
    table = torch.rand(4 * POINTS, 2, generator=torch.Generator().manual_seed(9))

    def ours(sets, count, generator):
        return table[:count].expand(sets, -1, -1)

    def theirs_rand(*shape, device=None):
        return table[: shape[1]].expand(shape).clone()

    for module in ("points", "matcher"):
        monkeypatch.setattr(f"mpvss.training.{module}.draw_points", ours)
    monkeypatch.setattr(modeling.torch, "rand", theirs_rand)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("batch", [1, 2])
def test_losses_and_gradients_are_the_librarys(layers, batch, same_points):
    outputs = [segments(seed, batch) for seed in range(layers)]
    labels = label_maps(5, batch)
    ours = SegmentationCriterion(points=POINTS)(outputs, labels, generators(*range(batch)))
    expected, *_ = theirs(outputs, labels)
    for name, value in expected.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-5, atol=1e-5)
    leaves = [x for layer in outputs for x in (layer.class_logits, layer.mask_logits)]
    for mine, their in zip(
        torch.autograd.grad(sum(ours.values()), leaves),
        torch.autograd.grad(sum(expected.values()), leaves),
        strict=True,
    ):
        torch.testing.assert_close(mine, their, rtol=1e-4, atol=1e-7)


def test_one_image_of_one_layer_draws_the_librarys_points():
    outputs, labels = [segments(1, 1)], label_maps(2, 1)
    ours = SegmentationCriterion(points=POINTS)(outputs, labels, generators(3))
    torch.manual_seed(3)
    expected, *_ = theirs(outputs, labels)
    for name, value in expected.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("queries", [QUERIES, 3])
def test_matches_are_the_librarys(queries, same_points):
    outputs, labels = segments(4, 1, queries), label_maps(6, 1)
    _, criterion, masks, classes = theirs([outputs], labels)
    (expected,) = criterion.matcher(outputs.mask_logits, outputs.class_logits, masks, classes)
    (ours,) = match(
        outputs.class_logits,
        outputs.mask_logits,
        labels[0],
        classes[0],
        points=POINTS,
        generator=generators(0)[0],
    )
    assert len(ours.queries) == min(queries, len(classes[0]))
    assert torch.equal(ours.queries, expected[0])
    assert torch.equal(ours.targets, expected[1])


def test_classes_and_channels_are_read_as_their_masks_would_be():
    labels = label_maps(1, 1)[0]
    classes = torch.tensor([0, 3, 255, 6])
    at = torch.rand(2, 500, 2, generator=torch.Generator().manual_seed(1))
    at[:, :4] = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.5, 0.0]])
    masks = (labels == classes[:, None, None]).float()
    scores = torch.randn(2, 3, 8, 12, generator=torch.Generator().manual_seed(2))
    read, channels = read_classes(labels, classes, at), read_channels(scores, at)
    for index, points in enumerate(at):
        for number, mask in enumerate(masks):
            expected = read_masks(mask[None], points[None])[0]
            torch.testing.assert_close(read[index, :, number], expected, rtol=1e-5, atol=1e-5)
        for number, mask in enumerate(scores[index]):
            expected = read_masks(mask[None], points[None])[0]
            torch.testing.assert_close(channels[index, :, number], expected, rtol=1e-5, atol=1e-5)


def test_an_image_of_ignored_pixels_has_no_mask_loss():
    """And every query should then be "no object": log(8) each for equal logits of 7 classes and none."""
    output = Segments(torch.zeros(1, 5, 8), torch.zeros(1, 5, 8, requires_grad=True), torch.zeros(1, 5, 16, 24))
    labels = torch.full((1, HEIGHT, WIDTH), 255, dtype=torch.uint8)
    losses = SegmentationCriterion(points=10)([output, output], labels, generators(0))
    assert losses["mask"] == losses["dice"] == 0
    assert losses["class"].item() == pytest.approx(2 * 2 * math.log(8))  # two layers of weight 2


def test_perfect_masks_cost_nothing(monkeypatch):
    monkeypatch.setattr(points_module, "IMPORTANCE", 0.0)
    labels = label_maps(3, 1)
    classes = classes_in(labels[0])
    masks = torch.full((1, len(classes), HEIGHT, WIDTH), -50.0)
    masks[0][labels == classes[:, None, None]] = 50.0
    logits = torch.full((1, len(classes), CLASSES + 1), -50.0)
    logits[0, range(len(classes)), classes.flip(0)] = 50.0
    outputs = [Segments(torch.zeros(1, len(classes), 8), logits, masks.flip(1))]
    losses = SegmentationCriterion(points=500)(outputs, labels, generators(0))
    assert losses["class"].item() == pytest.approx(0, abs=1e-6)
    # What is left comes of points between two segments' pixels; a wrong mask would cost 5.
    assert losses["dice"].item() < 0.25


def test_three_quarters_of_the_points_are_the_least_sure():
    masks = torch.full((1, 8, 8), 9.0)
    masks[:, :, :4] = 0.1
    chosen = draw_unsure_points(masks, 100, generators(1)[0])
    candidates = points_module.draw_points(1, 300, generators(1)[0])
    surest = read_masks(masks, candidates).sort(1).values[0, 74]
    assert chosen.shape == (1, 100, 2)
    assert (read_masks(masks, chosen)[0, :75] <= surest).all()


def test_no_points_are_refused():
    with pytest.raises(ValueError, match="points is 0"):
        SegmentationCriterion(points=0)
