"""Every cell of the paper's Tables 1 and 2 that is built here."""

import pytest

from bench.measure.count.paper import PaperCell, paper_cells


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("without_shape_checks")
def test_every_cell_is_within_tolerance():
    cells = list(paper_cells())
    assert len(cells) == 2 * (2 * (6 + 6) + 2 + 2)  # two quantities; two tables; DFF and Accel twice each
    assert [cell for cell in cells if cell.is_off] == []


def test_a_deviation_counts_unless_a_misprint_explains_it():
    printed = {"table": "1", "method": "MPVSS", "backbone": "R50", "quantity": "GFLOPs", "printed": 100.0}
    assert not PaperCell(**printed, counted=100.9).is_off
    assert PaperCell(**printed, counted=101.1).is_off
    assert PaperCell(**printed, counted=98.9).is_off
    assert not PaperCell(**printed, counted=90.0, note="misprint").is_off
    assert PaperCell(**printed, counted=98.9).deviation == pytest.approx(-0.011)
    assert PaperCell(**{**printed, "quantity": "params_M"}, counted=100.6).is_off
