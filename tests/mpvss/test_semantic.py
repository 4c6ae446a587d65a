"""Semantic inference: by blocks, in tiles and in one volume."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bench.measure.count.executed import executed_operators, total_macs
from mpvss.segmentor import semantic
from mpvss.segmentor.blocks import first_highest
from mpvss.segmentor.semantic import BOUNDS, Bounds, MaskPrediction, Tiles, WholeVolume

# The mask grid and the frame: whole, cut at odd sizes, one row, one column, shorter and longer than a tile.
SHAPES = [
    ((24, 40), (96, 160)),
    ((24, 40), (90, 150)),
    ((24, 40), (65, 131)),
    ((40, 24), (157, 1)),
    ((8, 8), (1, 29)),
    ((1, 5), (4, 20)),
    ((1, 5), (3, 17)),
    ((9, 3), (33, 9)),
    ((16, 8), (64, 32)),
    ((17, 8), (68, 32)),
]


def prediction(grid, size, *, classes=7, queries=12, offset=False, inference=BOUNDS) -> MaskPrediction:
    generator = torch.Generator().manual_seed(sum(grid) + sum(size))
    return MaskPrediction(
        class_weights=torch.rand(queries, classes, generator=generator),
        mask_logits=3 * torch.randn(queries, *grid, generator=generator),
        size=size,
        offset=0.3 * torch.randn(classes, generator=generator) if offset else None,
        inference=inference,
    )


def definition(given: MaskPrediction) -> torch.Tensor:
    """Masks enlarged, cut, through the sigmoid, weighted by class, query by query."""
    height, width = given.size
    enlarged = F.interpolate(given.mask_logits[None], scale_factor=4, mode="bilinear", align_corners=False)[0]
    cut = enlarged[:, :height, :width]
    total = torch.zeros(given.class_weights.shape[1], height, width)
    for weights, mask in zip(given.class_weights, cut, strict=True):
        total += weights[:, None, None] / (1 + torch.exp(-mask))
    return total if given.offset is None else total + given.offset[:, None, None]


@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize(("grid", "size"), SHAPES)
@pytest.mark.parametrize("way", [Bounds(), Tiles(), WholeVolume()], ids=lambda way: type(way).__name__)
def test_scores_and_labels(grid, size, offset, way):
    given = prediction(grid, size, offset=offset, inference=way)
    expected = definition(given)
    assert given.scores().shape == (7, *size)
    torch.testing.assert_close(given.scores(), expected)
    labels = given.labels()
    assert (labels.shape, labels.dtype) == (size, torch.uint8)
    best, chosen = expected.amax(0), expected.gather(0, labels[None].long())[0]
    torch.testing.assert_close(chosen, best)
    assert labels.unique().numel() > 1 or labels.numel() < 40


@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize(("grid", "size"), SHAPES)
def test_tiles_of_any_height_say_the_same(monkeypatch, grid, size, offset):
    """Of one row of the mask grid, of three, and of all."""
    given = prediction(grid, size, offset=offset, inference=Tiles())
    given = replace(
        given,
        class_weights=given.class_weights.double(),
        mask_logits=given.mask_logits.double(),
        offset=None if given.offset is None else given.offset.double(),
    )
    found = []
    for rows in (1, 3, 1000):
        monkeypatch.setattr(semantic, "count_at_once", lambda device, width, rows=rows: rows)
        found.append((given.scores(), given.labels()))
    for scores, labels in found[1:]:
        torch.testing.assert_close(scores, found[0][0])
        assert torch.equal(labels, found[0][1])


def test_off_the_cpu_few_large_tiles_are_computed():
    """At the size of VSPW, 121 tiles of one row of the grid each would be over a thousand operators."""
    given = MaskPrediction(
        class_weights=torch.empty(100, 124, device="meta"),
        mask_logits=torch.empty(100, 120, 216, device="meta"),
        size=(480, 853),
        inference=Tiles(),
    )
    with executed_operators("") as executed, _Largest() as largest:
        assert given.labels().is_meta
    products = sum(tally.calls for (_, name), tally in executed.items() if name == "aten::mm")
    assert 1 < products <= 4
    assert largest.elements * 4 <= 256 * 2**20


class _Largest(TorchDispatchMode):
    """The number of elements of the largest storage that any operator makes."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for x in tree_leaves(out):
            if isinstance(x, torch.Tensor):
                self.elements = max(self.elements, x.untyped_storage().nbytes() // x.element_size())
        return out


def test_labels_never_hold_the_score_volume():
    """Neither all classes' scores of a frame nor all queries' masks of it."""
    shape = {"grid": (240, 40), "size": (960, 160), "classes": 30, "queries": 20}
    with _Largest() as in_tiles:
        prediction(**shape).labels()
    with _Largest() as whole:
        prediction(**shape, inference=WholeVolume()).labels()
    assert whole.elements >= 30 * 960 * 160  # else this test could not tell
    assert in_tiles.elements < 20 * 960 * 160 / 8


def test_offset_decides_where_scores_do_not():
    given = MaskPrediction(
        class_weights=torch.full((2, 3), 0.1),
        mask_logits=torch.zeros(2, 2, 2),
        size=(8, 8),
        offset=torch.tensor([0.0, 0.5, 0.25]),
    )
    torch.testing.assert_close(given.scores()[:, 0, 0], torch.tensor([0.1, 0.6, 0.35]))  # two queries, half a mask each
    assert (given.labels() == 1).all()


def regions(*, negative: bool) -> MaskPrediction:
    """Six half planes with soft edges, each of a class of its own and a little of the others."""
    generator = torch.Generator().manual_seed(3)
    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(64.0), indexing="ij")
    angles = torch.rand(6, generator=generator) * 6.3
    planes = angles.cos()[:, None, None] * (x - 30) + angles.sin()[:, None, None] * (y - 20)
    weights = torch.eye(6, 9) + 0.05 * torch.rand(6, 9, generator=generator)
    return MaskPrediction(
        weights - 0.2 * negative, planes - 3, (189, 251), offset=0.1 * torch.rand(9, generator=generator)
    )


@pytest.mark.parametrize("negative", [False, True])
def test_bounds_spare_most_of_the_products_and_change_no_label(negative):
    given = regions(negative=negative)
    macs = {}
    labels = {}
    for way, inference in (("tiles", Tiles()), ("blocks", Bounds())):
        with executed_operators("") as executed:
            labels[way] = replace(given, inference=inference).labels()
        macs[way] = total_macs({key: tally for key, tally in executed.items() if key[1] == "aten::mm"})
    assert torch.equal(labels["blocks"], labels["tiles"])
    assert labels["blocks"].unique().numel() > 4
    assert macs["tiles"] >= 6 * 9 * 189 * 251
    # Two products of bounds for each block of 4 x 4 pixels, and all scores of a third of the pixels at most.
    assert macs["blocks"] < macs["tiles"] * (2 / 16 + 1 / 3)


def test_equal_classes_everywhere_give_the_first():
    given = MaskPrediction(
        torch.full((3, 5), 0.25), torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(1)), (32, 32)
    )
    assert (given.labels() == 0).all()


def test_half_precision_masks_are_scored_in_single():
    given = prediction((24, 40), (96, 160))
    expected = given.labels()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(given.labels(), expected)
        assert given.scores().dtype == torch.float32


SMALLEST = {torch.float32: 2.0**-149, torch.float64: 2.0**-1074}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("classes", [1, 2, 124, 255])
@pytest.mark.parametrize("spread", ["smallest", "denormal", "tiny", "plain", "huge", "steps of rounding"])
def test_the_first_highest_is_the_argmax(spread, classes, dtype):
    generator = torch.Generator().manual_seed(classes)
    whole = torch.randint(-4, 5, (classes, 50), generator=generator).to(dtype)  # with many equals
    limits = torch.finfo(dtype)
    scores = {
        "smallest": whole * SMALLEST[dtype],
        "denormal": whole * limits.smallest_normal / 64,
        "tiny": whole * 1e-35,
        "plain": whole - 9,
        "huge": whole / 4 * limits.max,
        "steps of rounding": 1 + whole * limits.eps,
    }[spread]
    assert scores.isfinite().all()
    expected = scores.numpy().argmax(0)  # numpy promises the first
    assert first_highest(scores).tolist() == expected.tolist()
    assert classes == 1 or len(set(expected.tolist())) > 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_first_highest_of_half_precision(dtype):
    scores = torch.randn(60, 200, generator=torch.Generator().manual_seed(1)).to(dtype)
    assert first_highest(scores).tolist() == scores.float().numpy().argmax(0).tolist()
