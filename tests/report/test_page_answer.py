"""The chooser's answer is what the files say."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from made_page import GMACS, MS, costs, opened
from made_runs import SMALL

from bench.runs.read import read_run

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
SHIPPED, MEASURED = ROOT / "reports" / "index.html", ROOT / "results" / "measured"


def test_the_shipped_page_answers_what_the_measured_runs_say(browser):
    page = opened(browser, SHIPPED.as_uri())
    page.select_option("#chooser select[name=cost]", GMACS)
    page.fill("#chooser input[name=floor]", "77")
    runs = [read_run(MEASURED / f"small-{name}") for name in ("intervals", "methods", "rivals")]
    cells = pd.concat(runs).query("miou >= 0.77 and mean_macs.notna()")
    cells = cells.sort_values(["mean_macs", "miou"], ascending=[True, False])
    best = cells.iloc[0]
    assert page.inner_text("#answer .chosen") == f"{best.method}, {best.backbone}, interval {best.interval}"
    different = cells.drop_duplicates(["method", "backbone", "interval"])
    assert f"{len(different)} qualify" in page.inner_text("#answer .count")
    assert page.said == []
    page.close()


def test_the_answer_stands_there_without_a_program_too(browser, address):
    with_program = opened(browser, address)
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    without = context.new_page()
    without.goto(address)
    for part in (".chosen", ".runner", ".count"):
        assert without.inner_text(f"#answer {part}") == with_program.inner_text(f"#answer {part}")
    assert without.locator("#answer dt").all_inner_texts() == with_program.locator("#answer dt").all_inner_texts()
    assert without.locator("#answer dd").all_inner_texts() == with_program.locator("#answer dd").all_inner_texts()
    context.close()
    with_program.close()


@pytest.mark.parametrize(("unit", "budget"), [(GMACS, 18.5), (MS, 13.0)])
def test_the_answer_is_what_the_files_say(page, unit, budget):
    floor, of = 70.0, costs(unit)
    good = [key for key, miou in SMALL.items() if 100 * miou >= floor and of[key] <= budget]
    ordered = sorted(good, key=lambda key: (of[key], -SMALL[key]))
    expected = [f"{method}, micro, interval {interval}" for method, interval in ordered]
    page.select_option("#chooser select[name=cost]", unit)
    page.fill("#chooser input[name=floor]", str(floor))
    page.fill("#chooser input[name=budget]", str(budget))
    assert len(expected) > 2
    assert page.locator("#chosen tbody th").all_inner_texts() == expected
    assert page.inner_text("#answer .chosen") == expected[0]
    runner = next(name for name in expected if name.split(",")[0] != expected[0].split(",")[0])
    assert page.inner_text("#answer .runner").startswith(f"Runner-up: {runner},")
    assert f"{len(expected)} qualify" in page.inner_text("#answer .count")
    ring = page.locator("#chosen-mark").bounding_box()
    marks = [mark.bounding_box() for mark in page.locator(f"#plot-cost .mark[data-series={ordered[0][0]}]").all()]
    middle = [box["x"] + box["width"] / 2 for box in marks]
    assert min(abs(x - ring["x"] - ring["width"] / 2) for x in middle) < 3


def test_nothing_qualifies_and_says_so(page):
    page.fill("#chooser input[name=floor]", "99")
    assert page.inner_text("#answer .chosen") == "None qualifies."
    assert page.locator("#chosen-mark").count() == 0
    page.fill("#chooser input[name=floor]", "70")


def test_the_largest_data_set_is_offered_first_with_its_costs(page):
    assert page.locator("#chooser select[name=data] option").all_inner_texts() == ["made", "other"]
    page.select_option("#chooser select[name=data]", "other")
    assert page.locator("#chooser select[name=cost] option").all_inner_texts()[-1] == GMACS
    assert page.input_value("#chooser input[name=floor]") == "73"
    page.select_option("#chooser select[name=data]", "made")
