"""Times against the frame size: runs that differ in it alone, from small to large."""

from __future__ import annotations

from made_runs import cell, make

from bench.report import report
from bench.report.figures.sizes import times_against_size
from bench.report.sizes import runs_by_size
from bench.report.study import read_study
from bench.report.tables.sizes import sizes_sheet
from bench.report.times import write_curve


def timed(path, height, width, ms, data="street: clips=1", **more):
    record = cell(ms=ms)
    record["timing"] |= {"height": height, "width": width, "kinds": record["timing"]["kinds"][:1]}
    record["timing"]["kinds"][0] |= {"p50_low_ms": ms - 1, "p50_high_ms": ms + 1}
    return make(path, {("mpvss", 5): record}, data=f"{data},size={height}x{width},seed=0", stopping="then", **more)


def test_a_curve_has_the_runs_of_one_configuration_in_the_order_of_their_pixels(tmp_path):
    timed(tmp_path / "large", 20, 40, ms=6)
    timed(tmp_path / "small", 10, 20, ms=2)
    timed(tmp_path / "other-seed", 30, 40, ms=9, seed=1)
    timed(tmp_path / "other-data", 30, 40, ms=9, data="room: clips=1")
    (group,) = runs_by_size(read_study([tmp_path]).runs)
    assert [run.name for run in group] == ["small", "large"]
    sheet = sizes_sheet(group)
    assert [header.text for header in sheet.headers[4:]] == ["10x20 (ms)", "20x40 (ms)", "Growth"]
    (row,) = sheet.rows
    # Three times as long for four times the pixels.
    assert [entry.text for entry in row[4:]] == ["2.000 [1.000, 3.000]", "6.000 [5.000, 7.000]", "0.75"]
    (line,) = times_against_size(group).axes[0].get_lines()
    assert line.get_xydata().tolist() == [[200, 2], [800, 6]]


def test_latency_and_report_write_it(tmp_path):
    runs = tmp_path / "runs"
    for height, ms in ((10, 2), (20, 6)):
        timed(runs / f"{height}x20", height, 20, ms)
    text = write_curve(runs)
    assert "Data: street: clips=1,seed=0" in text
    assert {file.name for file in runs.iterdir() if file.is_file()} == {
        *("latency.md", "sizes.csv", "sizes.png", "sizes.svg")
    }
    names = {file.name for file in report([runs], tmp_path / "out", ["md", "svg"])}
    assert {"sizes.md", "sizes.svg"} <= names
    assert "Fewer than two sizes" in write_curve(runs / "10x20")
