"""Reports come from files alone, say what failed and what is untrained, and are the same each time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from made_runs import SMALL, cell, make, small

from bench.plotting import styled
from bench.report import report
from bench.report.figures.figures import differences, warping_strategies
from bench.report.figures.tradeoff import apart
from bench.report.quantiles import with_quantiles
from bench.report.study import read_study
from bench.report.tables.latency import latency_sheet
from bench.report.tables.small import small_tables
from bench.report.tables.tables import markdown
from bench.runs.read import read_latency, read_run, read_samples
from mpvss.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
SHIPPED, MEASURED = ROOT / "reports", ROOT / "results" / "measured"
DOCUMENTED = (ROOT / "results" / "README.md").read_text()


def test_the_shipped_report_is_what_its_command_makes_without_torch_or_a_model(tmp_path):
    (command,) = re.findall(r"\nmpvss-bench (report .*)\n", (SHIPPED / "README.md").read_text())
    arguments = command.replace("--out reports", f"--out {tmp_path}").split()
    program = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('torch', 'baselines'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "try:\n"
        "    import torch\n"
        "except ModuleNotFoundError:\n"
        "    from bench.cli.main import main\n"
        f"    sys.exit(main({arguments!r}))\n"
        "sys.exit('torch was imported')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    made, shipped = (
        {file.relative_to(root): file.read_bytes() for file in root.rglob("*") if file.is_file()}
        for root in (tmp_path, SHIPPED)
    )
    shipped.pop(Path("README.md"))
    assert sorted(made) == sorted(shipped)
    assert [name for name in made if not same(made[name], shipped[name])] == []


def same(made: bytes, shipped: bytes) -> bool:
    """Equal, but for the last digits of coordinates, in which processors differ."""
    if made == shipped:
        return True
    ours, theirs = (re.split(r"(\d+(?:\.\d+)?)", content.decode()) for content in (made, shipped))
    return ours[::2] == theirs[::2] and all(
        abs(float(x) - float(y)) < 1e-3 for x, y in zip(ours[1::2], theirs[1::2], strict=True)
    )


def test_sameness_allows_for_last_digits_alone():
    assert same(b'<path d="M 1.234567 2" id="i1"/>', b'<path d="M 1.234568 2" id="i1"/>')
    assert not same(b"M 1.234567 2", b"M 1.236567 2")
    assert not same(b"M 1.234567 2", b"L 1.234567 2")
    assert not same(b"mIoU 80.18", b"mIoU 80.19")


def test_the_same_files_give_the_same_bytes(tmp_path):
    run = small(tmp_path / "small")
    one, two = (report([run], tmp_path / name) for name in ("one", "two"))
    names = [file.relative_to(tmp_path / "one") for file in one]
    assert [file.relative_to(tmp_path / "two") for file in two] == names
    figures = ("figure-3a", "figure-3b", "figure-3c", "differences", "accuracy-cost", "times")
    assert {Path(f"figures/small-{figure}.svg") for figure in figures} <= set(names)
    for name in names:
        content = (tmp_path / "one" / name).read_bytes()
        assert content == (tmp_path / "two" / name).read_bytes()
        assert str(tmp_path).encode() not in content


def test_a_failed_cell_names_its_reason_and_untrained_rows_are_marked(tmp_path):
    bad = {**cell(), "errors": {"accuracy": "RuntimeError: out of luck"}, "timing": None, "cost": None}
    run = make(tmp_path / "run", {("copy", 2): cell(0.5, weights="untrained"), ("mpvss", 2): bad})
    report([run], tmp_path / "out", ["md", "html", "csv"])
    text, page = ((tmp_path / "out" / name).read_text() for name in ("report.md", "index.html"))
    assert "**failed**: accuracy: RuntimeError: out of luck" in text
    assert "1 of 2 cells failed" in text
    assert "failed: accuracy: RuntimeError: out of luck" in page
    assert page.count('<span class="note">untrained</span>') == 1
    assert "Rows marked untrained (in run)" in page
    cells = pd.read_csv(tmp_path / "out" / "cells.csv").set_index("method")
    assert cells.loc["copy", "miou"] == 0.5
    assert pd.isna(cells.loc["mpvss", "miou"])


def test_a_run_without_accuracy_has_its_times(tmp_path):
    run = make(tmp_path / "speed", {("copy", 1): cell(ms=12), ("copy", 5): cell(ms=12)})
    files = report([run], tmp_path / "out")
    names = {file.name for file in files}
    assert {"speed-latency.tex", "speed-speed.md", "speed-times.svg"} <= names
    assert "speed-figure-3c.svg" not in names
    assert "None has an accuracy" in (tmp_path / "out" / "report.md").read_text()
    (row,) = pd.read_csv(tmp_path / "out" / "tables" / "speed-latency.csv").to_dict("records")
    assert (row["Frames"], row["p50 (ms)"]) == ("key", 12)


def test_quantiles_of_older_runs_get_bounds_from_their_samples_or_are_left_out():
    seconds = [float(rank) for rank in range(1, 37)]
    table = pd.DataFrame({"seconds": [99.0, *seconds], "warmup": [True] + [False] * 36})
    samples = table.assign(backbone="b", method="m", scope="labels", kind="key", process=0)
    row = {"backbone": "b", "method": "m", "scope": "labels", "kind": "key", "samples": 36, "p90_ms": 1, "p99_ms": 2}
    (found,) = with_quantiles([row], samples)
    # np.quantile at (36 - 1) * 0.9 = 31.5, so between ranks 32 and 33; of 36 samples the bounds end at the largest.
    assert (found["p50_ms"], found["p90_ms"], found["p90_high_ms"]) == (18500, pytest.approx(32500), 36000)
    (_, *entries) = latency_sheet([found]).rows[0]
    p99 = [header.text for header in latency_sheet([found]).headers].index("p99 (ms)")
    assert [entry.text for entry in entries[p99 - 1 : p99 + 1]] == ["-", "-"]


def test_a_run_of_one_interval_has_a_row_for_each_method_the_best_at_the_top(tmp_path):
    planted = {("per-frame", 1): 0.8, ("mpvss", 5): 0.7, ("copy", 5): 0.6, ("dff", 5): 0.75}
    (run,) = read_study([make(tmp_path / "one", {key: cell(miou) for key, miou in planted.items()})]).runs
    for draw, label, base in (
        (differences, "mIoU less per-frame's (points)", 0.8),
        (warping_strategies, "mIoU (%)", 0),
    ):
        with styled():
            axes = draw(run).axes[0]
        shown = sorted(
            (miou, name) for (name, _), miou in planted.items() if name != ("dff" if base == 0 else "per-frame")
        )
        assert [text.get_text() for text in axes.get_yticklabels()] == [name for _, name in shown]
        drawn = [float(points[0].get_xdata()[0]) for points in axes.containers]
        assert drawn == pytest.approx([100 * (miou - base) for miou, _ in shown], abs=1e-3)
        assert (axes.get_title(loc="left"), axes.get_xlabel()) == ("micro, interval 5", label)


def test_numbers_on_the_front_do_not_stand_on_each_other():
    # Over 1 to 10 on a log scale and 0 to 100: the second is 0.5 % and 1 % of the axes from the first, the third 10 %.
    points = [(1.0, 0.0), (10**0.005, 1.0), (10**0.1, 1.5), (10.0, 100.0)]
    assert apart([0, 1, 2, 3], points) == [0, 2, 3]


def test_several_runs_stand_in_one_report_unless_they_share_a_name(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    one, two, same = small(tmp_path / "a" / "one"), small(tmp_path / "b" / "two"), small(tmp_path / "b" / "one")
    report([one, two], tmp_path / "out", ["csv"])
    assert set(pd.read_csv(tmp_path / "out" / "cells.csv")["run"]) == {"one", "two"}
    with pytest.raises(ValueError, match=r"share a name"):
        report([one, same], tmp_path / "out")


def test_pictures_beside_a_run_are_in_its_report(tmp_path):
    run = small(tmp_path / "small")
    (run / "pictures").mkdir()
    (run / "pictures" / "strip-x.png").write_bytes(b"a picture")
    (run / "pictures" / "mine.png").write_bytes(b"another")
    report([run], tmp_path / "out", ["md", "html"])
    text = (tmp_path / "out" / "report.md").read_text()
    assert "![small: Frames, ground truth and predictions, clip x](pictures/small-strip-x.png)" in text
    assert "![small: mine](pictures/small-mine.png)" in text
    assert (tmp_path / "out" / "pictures" / "small-strip-x.png").read_bytes() == b"a picture"
    assert "base64,YSBwaWN0dXJl" in (tmp_path / "out" / "index.html").read_text()


def test_unknown_schemas_and_formats_are_refused(tmp_path):
    (tmp_path / "in").mkdir()
    run = small(tmp_path / "in" / "small")
    with pytest.raises(ValueError, match="unknown format 'pdf'; known are md, tex, csv, html"):
        report([run], tmp_path / "out", ["pdf"])
    (tmp_path / "in" / "cost-x.json").write_text(json.dumps({"schema": 7, "cells": []}))
    with pytest.raises(ValueError, match=r"cost-x\.json has schema 7; this version reads schemas up to 2"):
        report([tmp_path / "in"], tmp_path / "out")
    (tmp_path / "in" / "cost-x.json").unlink()
    about = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**about, "schema": 99}))
    with pytest.raises(ValueError, match=r"run\.json has schema 99; this version reads schemas up to"):
        report([run], tmp_path / "out")


def test_a_run_of_the_first_schema_is_reported(tmp_path):
    run = small(tmp_path / "old")
    for file in (run / "run.json", *(run / "cells").iterdir()):
        record = {**json.loads(file.read_text()), "schema": 1}
        if "timing" in record:
            record |= {"timing": None}
            del record["clips"]
        file.write_text(json.dumps(record))
    report([run], tmp_path / "out", ["csv"])
    assert len(pd.read_csv(tmp_path / "out" / "cells.csv")) == len(SMALL)


def is_documented(name):
    """A field's name; the time of a deadline is T, and of a share of late frames the scope SCOPE."""
    return f"`{re.sub(r'^late_([a-z]+)_', 'late_SCOPE_', re.sub(r'[0-9.]+ms$', 'Tms', name))}`" in DOCUMENTED


def test_every_column_of_the_readers_is_documented(tmp_path):
    for run in (small(tmp_path / "small"), *(file.parent for file in MEASURED.glob("*/run.json"))):
        for reader in (read_run, read_samples, read_latency):
            for column in reader(run).columns:
                assert is_documented(column), f"{reader.__name__} gives {column}"


def test_tables_keep_their_shape_whatever_the_text():
    assert markdown(["Method", "Interval"], [["a|b", "1"]]).splitlines() == [
        "| Method   |   Interval |",
        "|:---------|-----------:|",
        "| a\\|b     |          1 |",
    ]


def test_names_begin_no_html_and_no_formula(tmp_path):
    evil = r"hf:<img src=x onerror=alert(1)>$\frac$|`"
    run = make(tmp_path / "run", {("per-frame", 1): cell(0.8), ("mpvss", 2): cell(0.7, weights="<b>w</b>")}, evil)
    files = report([run], tmp_path / "out", ["md", "html", "svg"])
    for file in (file for file in files if file.suffix in (".md", ".html")):
        text = file.read_text()
        assert "<img src=x" not in text
        assert "<b>w" not in text
    assert any(r"$\frac$" in file.read_text() for file in files if file.suffix == ".svg")


def test_a_link_among_the_pictures_is_not_followed(tmp_path):
    run = make(tmp_path / "run", {("copy", 2): cell(0.5)})
    (run / "pictures").mkdir()
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"\x89PNG secret")
    (run / "pictures" / "strip-a.png").symlink_to(secret)
    os.mkfifo(run / "pictures" / "strip-b.png")
    files = report([run], tmp_path / "out", ["md", "html"])
    assert not any(b"secret" in file.read_bytes() for file in files)
    assert not list((tmp_path / "out").rglob("*strip*"))


@pytest.mark.parametrize("name", ["run.json", "cells/micro--copy--002.json", "../cost-x.json", "../peer-x.json"])
@pytest.mark.timeout(60)
def test_a_pipe_among_the_results_is_refused_and_not_waited_for(tmp_path, name):
    run = make(tmp_path / "run", {("copy", 2): cell(0.5)})
    (run / name).unlink(missing_ok=True)
    os.mkfifo(run / name)
    with pytest.raises(UserError, match=r"is no regular file|is not a results folder"):
        report([run if name == "run.json" else tmp_path], tmp_path / "out", ["md"])


def test_families_in_one_run_are_held_against_its_mpvss(tmp_path):
    """Clips that are all alike leave the difference no doubt: 4 points less and 1 more. One family has no column."""
    run = make(tmp_path / "run", {("per-frame", 1): cell(0.80), ("mpvss", 5): cell(0.78)})
    (table, *_) = small_tables(read_study([run]).runs[0])
    assert "mIoU less mpvss's (points)" not in [header.text for header in table.headers]
    make(run, {("per-frame", 1): cell(0.74)}, backbone="segformer-micro")
    make(run, {("cffm", 1): cell(0.79)}, backbone="mit-micro")
    (table, *_) = small_tables(read_study([run]).runs[0])
    column = [header.text for header in table.headers].index("mIoU less mpvss's (points)")
    found = {(row[0].text, row[1].text): row[column].text for row in table.rows}
    assert found == {
        ("per-frame", "micro"): "+2.00 [2.00, 2.00]",
        ("per-frame", "segformer-micro"): "-4.00 [-4.00, -4.00]",
        ("mpvss", "micro"): "-",
        ("cffm", "mit-micro"): "+1.00 [1.00, 1.00]",
    }
