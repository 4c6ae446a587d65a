"""The parts of a card by themselves: rows, packages, labels, devices by name."""

from __future__ import annotations

import csv

import pytest
import torch

from bench.card import needs
from bench.card.labels import compared
from bench.card.precision import tf32
from bench.card.prediction import MeasuredSpeed, device_entry, predicted
from bench.card.rows import OF_OTHERS, TABLES, table_rows
from bench.measure.predict.devices import read_devices
from mpvss.errors import UserError


def test_every_row_of_the_papers_tables_has_a_method_here():
    with TABLES.open() as file:
        printed = {(r["table"], r["method"], r["backbone"]) for r in csv.DictReader(file) if r["table"] in ("1", "2")}
    assert OF_OTHERS.keys() <= printed
    own = {key for key in printed if key[1] in ("Mask2Former", "MPVSS", "Mask2Former-DFF", "Mask2Former-Accel")}
    assert OF_OTHERS.keys() | own == printed
    rows = table_rows()
    keys = [(row.table, row.paper_method, row.paper_backbone) for row in rows]
    assert len(set(keys)) == len(keys)
    assert own <= set(keys) <= printed
    assert len({row.name for row in rows}) == len(rows)
    found = {key: (row.method, row.backbone) for key, row in zip(keys, rows, strict=True)}
    assert found["2", "Mask2Former-Accel", "Swin-B+Swin-T"] == ("accel", "swin-b+swin-t")
    assert found["2", "SegFormer", "MiT-B5"] == ("per-frame", "segformer-b5")


def test_a_missing_package_is_named(monkeypatch):
    gone = {"transformers"}
    monkeypatch.setattr(needs, "_is_there", lambda module: module not in gone)
    assert needs.check_needs(("fps", "peer", "profile"), "cuda") == {"peer": ("transformers",)}
    assert needs.check_needs(("fps",), "cuda") == {}
    gone.add("pynvml")
    assert needs.check_needs(("fps",), "cpu") == {}
    with pytest.raises(UserError, match=r"nvidia-ml-py must be installed to measure a card; .* bring the wheels"):
        needs.check_needs(("fps",), "cuda")


def test_labels_that_differ_are_counted_and_ties_are_told_apart():
    """Six pixels, three classes, scores from 0 to 2."""
    scores = torch.zeros(3, 1, 6)
    scores[0] = torch.tensor([2.0, 2.0, 1.0, 1.0, 0.0, 1.5])
    scores[1] = torch.tensor([0.0, 0.0, 1.0, 0.9999, 2.0, 0.0])
    labels = torch.tensor([[0, 0, 0, 0, 1, 0]], dtype=torch.uint8)
    same = compared("key", scores, labels, labels)
    assert (same.unlike, same.ties, same.widest_gap, same.agreement) == (0, 0, None, 1.0)
    assert (same.classes, same.most_common_share) == (2, 5 / 6)
    # Pixel 1 differs by 2 of 2, pixel 2 not at all, pixel 3 by 0.0001 of 2.
    others = torch.tensor([[0, 1, 1, 1, 1, 0]], dtype=torch.uint8)
    found = compared("non-key", scores, labels, others)
    assert (found.pixels, found.unlike, found.ties, found.widest_gap) == (6, 3, 2, 1.0)
    assert found.agreement == pytest.approx(5 / 6)


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA H100 PCIe", "h100-pcie"),
        ("NVIDIA H200", "h200"),
        ("Tesla V100-SXM2-16GB", "v100"),
        ("NVIDIA A100-SXM4-40GB", "a100"),
        ("NVIDIA A100-SXM4-80GB", "a100-80gb"),
        ("Tesla T4", "t4"),
        ("NVIDIA GeForce RTX 4090", "rtx4090"),
        ("cpu", "cpu"),
    ],
)
def test_devices_by_the_names_that_torch_gives(name, entry):
    assert device_entry(name, read_devices()) == entry


def test_an_unknown_device_is_named():
    with pytest.raises(UserError, match="no data sheet is known of 'NVIDIA L40S'; known are v100"):
        device_entry("NVIDIA L40S", read_devices())


@pytest.mark.slow
def test_a_row_that_is_shown_the_next_frame_is_predicted():
    rows = [row for row in table_rows() if row.paper_method == "NetWarp" or row.name == "table-1--MPVSS--R50"]
    found = predicted([MeasuredSpeed(row, 5.0) for row in rows], "cpu", (64, 96), by_data_sheet=False)
    assert {speed.method for speed in found.speeds} == {"NetWarp", "MPVSS"}


def test_tf32_is_set_and_set_back():
    def now():
        return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32

    before = now()
    with tf32(True):
        assert now() == (True, True)
        with tf32(False):
            assert now() == (False, False)
        assert now() == (True, True)
    assert now() == before
