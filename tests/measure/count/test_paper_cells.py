"""Every cell of the paper's Tables 1 and 2."""

import functools
from collections import Counter

import pytest

from bench.measure.count.paper import OWN_ROWS, OtherCount, PaperCell, paper_cells, published_figures
from bench.measure.count.rival_cells import RIVAL_CELLS

# GMACs of the networks that the published programs build, by fvcore's rules: one frame with all that it refers to.
OF_PUBLISHED_PROGRAMS = {
    ("1", "DeepLab3+", "R101"): 400.3,
    ("1", "UperNet", "R101"): 404.2,
    ("1", "PSPNet", "R101"): 402.5,
    ("1", "OCRNet", "R101"): 363.4,
    ("1", "NetWarp", "OCRNet"): 1273.3,
    ("1", "TCB", "R101"): 1532.1,
    ("1", "Segformer", "MiT-B2"): 101.3,
    ("1", "Segformer", "MiT-B5"): 185.0,
    ("1", "CFFM-VSS", "MiT-B2"): 189.3,
    ("1", "CFFM-VSS", "MiT-B5"): 537.4,
    ("1", "MRCFA", "MiT-B2"): 183.7,
    ("1", "MRCFA", "MiT-B5"): 518.7,
    ("2", "FCN", "R101"): 2205.5,
    ("2", "PSPNet", "R101"): 2051.4,
    ("2", "DFF", "R101"): 134.4,
    ("2", "Accel", "R101"): 522.4,
    ("2", "SegFormer", "MiT-B1"): 240.3,
    ("2", "SegFormer", "MiT-B5"): 1449.8,
    ("2", "CFFM-VSS", "MiT-B0"): 521.0,
    ("2", "CFFM-VSS", "MiT-B1"): 1028.4,
}
CONTRADICTIONS = {
    *(("1", method, backbone) for method in ("CFFM-VSS", "MRCFA") for backbone in ("MiT-B2", "MiT-B5")),
    *(("2", method, backbone) for method in ("CFFM-VSS", "MRCFA") for backbone in ("MiT-B0", "MiT-B1")),
    *(("1", "TCB", "R101"), ("2", "DFF", "R101"), ("2", "DVSN", "R101"), ("2", "Accel", "R101")),
}
"""What no network gives at its caption's size."""


@functools.cache
def cells() -> dict[tuple[str, str, str, str], PaperCell]:
    return {(cell.table, cell.method, cell.backbone, cell.quantity): cell for cell in paper_cells()}


def nearest(key: tuple[str, str, str, str]) -> float:
    """The least deviation of a cell, whichever way it is counted."""
    cell = cells()[key]
    return min(abs(deviation) for deviation in (cell.deviation, *(other.deviation for other in cell.others)))


def test_every_printed_cost_of_another_publication_has_a_rule():
    published = published_figures()
    rows = published[published.metric.isin(["GFLOPs", "params_M"]) & ~published.method.isin(OWN_ROWS)]
    assert set(zip(rows.table, rows.method, rows.backbone, rows.metric, strict=True)) == set(RIVAL_CELLS)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("without_shape_checks")
class TestEveryCell:
    def test_none_is_off(self):
        assert len(cells()) == 99
        assert [cell for cell in cells().values() if cell.is_off] == []

    def test_the_projects_own_agree_but_for_misprints(self):
        own = Counter(cell.status for cell in cells().values() if cell.method in OWN_ROWS)
        assert own == {"agrees": 2 * (2 * (6 + 6) + 2 + 2) - 4, "misprint": 4}

    def test_counts_are_those_of_the_published_programs(self):
        ours = {key: cells()[*key, "GFLOPs"].counted for key in OF_PUBLISHED_PROGRAMS}
        assert ours == pytest.approx(OF_PUBLISHED_PROGRAMS, rel=0.005)

    def test_contradictions_are_those(self):
        found = {key[:3] for key, cell in cells().items() if cell.status == "contradiction"}
        assert found == CONTRADICTIONS

    @pytest.mark.parametrize(
        ("table", "method", "backbone"),
        [
            ("1", "DeepLab3+", "R101"),
            ("1", "UperNet", "R101"),
            ("1", "PSPNet", "R101"),
            ("1", "OCRNet", "R101"),
            ("1", "ETC", "OCRNet"),
            ("1", "NetWarp", "OCRNet"),
            ("1", "Segformer", "MiT-B2"),
            ("1", "Segformer", "MiT-B5"),
            ("2", "FCN", "R101"),
            ("2", "PSPNet", "R101"),
            ("2", "ETC", "R18"),
            ("2", "SegFormer", "MiT-B1"),
            ("2", "SegFormer", "MiT-B5"),
        ],
    )
    def test_the_tool_or_configuration_gives_the_printed_figure(self, table, method, backbone):
        assert nearest((table, method, backbone, "GFLOPs")) < 0.0012

    @pytest.mark.parametrize(("backbone", "bound"), [("MiT-B0", 0.001), ("MiT-B1", 0.006)])
    def test_cffm_of_cityscapes_is_at_half_the_captions_size(self, backbone, bound):
        assert nearest(("2", "CFFM-VSS", backbone, "GFLOPs")) < bound

    def test_parameters(self):
        for key, cell in cells().items():
            if key[3] == "params_M" and cell.method not in OWN_ROWS:
                counted = (cell.counted, *(other.counted for other in cell.others))
                assert min(abs(value - cell.printed) for value in counted) <= max(0.005 * cell.printed, 0.05), key


PRINTED = {"table": "1", "method": "MPVSS", "backbone": "R50", "quantity": "GFLOPs", "printed": 100.0}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"counted": 100.9}, "agrees"),
        ({"counted": 101.1}, "off"),
        ({"counted": 98.9}, "off"),
        ({"counted": 90.0, "note": "misprint"}, "misprint"),
        ({"counted": 90.0, "note": "of something else", "is_contradiction": True}, "contradiction"),
        ({"counted": 100.1, "note": "misprint"}, "off"),  # the list of misprints is wrong then
        ({"counted": 90.0, "others": (OtherCount("a", 80.0, -0.2), OtherCount("b", 100.2, 0.002))}, "explained"),
        ({"counted": 90.0, "others": (OtherCount("a", 80.0, -0.2),)}, "off"),
        ({"counted": 100.6, "quantity": "params_M"}, "off"),
        ({"counted": 4.24, "printed": 4.2, "quantity": "params_M"}, "agrees"),  # to the printed digit
        ({"counted": 4.26, "printed": 4.2, "quantity": "params_M"}, "off"),
    ],
)
def test_status(fields, status):
    cell = PaperCell(**{**PRINTED, **fields})
    assert cell.status == status
    assert cell.is_off == (status == "off")


def test_deviation():
    assert PaperCell(**PRINTED, counted=98.9).deviation == pytest.approx(-0.011)
