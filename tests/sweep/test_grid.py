"""Methods and backbones that go together, in one sweep."""

import pytest

from bench.evaluate.lockstep import Cell
from bench.methods import shipped
from bench.methods.names import backbone_names, has_method
from bench.methods.setup import parse_weights
from bench.sweep.grid import Grid
from mpvss.errors import UserError

ROWS = ("per-frame", "per-frame@etc", "mpvss", "cffm")
BACKBONES = ("micro", "segformer-micro", "mit-micro")


def test_a_method_is_measured_with_the_backbones_that_have_it():
    assert backbone_names(BACKBONES, ROWS) == BACKBONES
    grid = Grid(ROWS, BACKBONES, (5,))
    alone = [Cell("per-frame", 1), Cell("per-frame@etc", 1)]
    assert grid.cells("micro") == [*alone, Cell("mpvss", 5)]
    assert grid.cells("segformer-micro") == alone
    assert grid.cells("mit-micro") == [Cell("cffm", 1)]
    assert grid.cells() == [*alone, Cell("mpvss", 5), Cell("cffm", 1)]


@pytest.mark.parametrize(
    ("backbones", "rows", "message"),
    [
        (["micro"], ROWS, "cffm has no backbone 'micro'"),
        (["segformer-micro"], ["mpvss", "copy"], "segformer-micro is swept as .*; mpvss needs another backbone"),
        (["mit-micro", "micro"], ["mpvss"], "mit-micro is swept as cffm, .*; mpvss needs another backbone"),
        (["micro", "micro2"], ["mpvss"], "unknown backbone 'micro2'"),
    ],
)
def test_a_method_or_backbone_without_the_other_is_refused(backbones, rows, message):
    with pytest.raises(UserError, match=message):
        backbone_names(backbones, rows)


@pytest.mark.parametrize(
    ("backbone", "row", "expected"),
    [("hf:x", "copy@a", True), ("hf:x", "mpvss", False), ("r101+r18", "accel-original", True), ("own", "mpvss", True)],
)
def test_pairs(backbone, row, expected):
    assert has_method(backbone, row) == expected


def test_weights_are_asked_for_pairs_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    for row in ("micro/mpvss", "mit-micro/cffm"):
        (tmp_path / row).mkdir(parents=True)
        (tmp_path / row / shipped.MODEL).touch()
    weights = parse_weights(["shipped"], ["mpvss", "cffm"], ["micro", "mit-micro"])
    assert weights.pairs(["mpvss", "cffm"], ["micro", "mit-micro"]) == [("mpvss", "micro"), ("cffm", "mit-micro")]
    with pytest.raises(UserError, match="no weights are shipped for mit-micro/mrcfa"):
        weights.file("mrcfa", "mit-micro")
