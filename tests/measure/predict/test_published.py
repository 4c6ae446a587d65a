"""The paper's speeds on a V100 against the model."""

import functools

import pytest

from bench.measure.predict.published import (
    LARGEST_BOUND,
    MEAN_BOUND,
    Cell,
    PublishedSpeed,
    errors_of,
    fit_to,
    published_cells,
    published_speeds,
    solved_frames,
    speed_of,
)


@functools.cache
def speeds_fitted_to(table: str | None = None) -> list[PublishedSpeed]:
    return published_speeds() if table is None else published_speeds(lambda cell: cell.table == table)


def test_there_are_24_cells():
    cells = published_cells()
    assert len(set(cells)) == 2 * 2 * 6
    assert Cell("2", "MPVSS", "Swin-L", 7.24) in cells


@pytest.mark.slow
@pytest.mark.parametrize("table", [None, "1", "2"], ids=["8 cells", "Table 1", "Table 2"])
def test_cells_that_were_not_fitted_are_within_the_bounds(table):
    """Fitted to 8 cells of both tables, and to one table alone."""
    speeds = speeds_fitted_to(table)
    assert len(speeds) == 24
    assert sum(speed.fitted for speed in speeds) == (8 if table is None else 12)
    mean, largest = errors_of(speeds)
    assert mean <= MEAN_BOUND
    assert largest <= LARGEST_BOUND


@pytest.mark.slow
def test_half_precision_would_need_a_card_of_a_fifth_of_its_speed():
    """Float32 explains the figures with products near the card's peak; half precision with under a quarter of it."""
    cells = [cell for cell in published_cells() if cell.backbone in ("R50", "Swin-L")]
    full, half = fit_to(cells), fit_to(cells, "float16")
    assert full.product > 0.8
    assert half.product < 0.25
    assert half.memory < 0.5 * full.memory


def test_deformable_attention_is_one_kernel_a_layer():
    calls = speed_of(Cell("1", "Mask2Former", "R50", 19.4)).key
    tokens = sum((480 // step) * (864 // step) for step in (8, 16, 32))
    taps = 4 * (3 * 4) * 256  # of each token: 4 for each of 4 points on 3 maps, in every channel
    assert (calls.macs[calls.kinds == 3] == taps * tokens).sum() == 6


def test_errors_are_those_of_cells_that_were_not_fitted():
    def speed(predicted: float, fitted: bool) -> PublishedSpeed:
        return PublishedSpeed("1", "MPVSS", "R50", 10.0, predicted, fitted)

    speeds = [speed(20.0, True), speed(9.0, False), speed(10.3, False)]
    assert errors_of(speeds) == pytest.approx(((0.1 + 0.03) / 2, 0.1))


def test_non_key_frames_take_the_same_time_whatever_the_backbone():
    """Solved out of the printed figures alone."""
    of_table = {table: [x.non_key_ms for x in solved_frames() if x.table == table] for table in "12"}
    assert (len(of_table["1"]), len(of_table["2"])) == (6, 6)
    assert 23.4 <= min(of_table["1"]) <= max(of_table["1"]) <= 24.2
    assert 54.1 <= min(of_table["2"]) <= max(of_table["2"]) <= 55.9


def test_solving_by_arithmetic():
    r50 = next(frame for frame in solved_frames() if (frame.table, frame.backbone) == ("1", "R50"))
    assert r50.key_ms == pytest.approx(1000 / 19.4)
    assert r50.non_key_ms == pytest.approx((5 * 1000 / 33.93 - 1000 / 19.4) / 4)
