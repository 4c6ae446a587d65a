"""The page in headless Chromium: the browser of CHROMIUM, of PATH, or playwright's own."""

from __future__ import annotations

import os
import shutil

import pytest
from made_runs import SMALL, cell, make, small

from bench.report import report

pytestmark = pytest.mark.browser
SINGLE = {"copy": 0.6, "dff": 0.75, "mpvss": 0.7}
"""A run of one interval, with fewer configurations than the other."""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    sync_api = pytest.importorskip("playwright.sync_api")
    folder = tmp_path_factory.mktemp("page")
    single = make(folder / "single", {(method, 5): cell(miou) for method, miou in SINGLE.items()})
    report([single, small(folder / "small")], folder / "out", ["html"])
    browser_file = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_file, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1280, "height": 900})
        opened.said = []
        opened.on("console", lambda message: opened.said.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: opened.said.append(str(error)))
        opened.goto((folder / "out" / "index.html").as_uri())
        opened.select_option("#filters select[name=run]", "small")
        yield opened
        browser.close()


def column(page, number):
    cells = page.locator(f"#cells tbody tr:not([hidden]) > :nth-child({number})")
    return [cell.get_attribute("data-value") for cell in cells.all()]


def test_loads_without_errors_and_every_control_has_a_name(page):
    assert page.said == []
    unnamed = page.evaluate("[...document.querySelectorAll('input, select')].filter(x => !x.labels.length).length")
    assert unnamed == 0


def test_sorts_with_the_keyboard(page):
    heads = page.locator("#cells th button").all_inner_texts()
    place = heads.index("mIoU (%)") + 1
    button = page.locator("#cells th button").nth(place - 1)
    button.focus()
    for order in (1, -1):
        page.keyboard.press("Enter")
        values = [float(value) for value in column(page, place)]
        assert values == sorted((100 * miou for miou in SMALL.values()), reverse=order < 0)
    assert page.locator("#cells th").nth(place - 1).get_attribute("aria-sort") == "descending"


def test_filters(page):
    page.select_option("#filters select[name=method]", "copy")
    assert column(page, 1) == ["copy"] * 3
    page.fill("#filters input[name=text]", "nothing has this")
    assert column(page, 1) == []
    page.fill("#filters input[name=text]", "")
    page.select_option("#filters select[name=method]", "")
    assert len(column(page, 1)) == len(SMALL)


@pytest.mark.parametrize(("cost", "unit"), [("GMACs a frame", 1.0), ("ms a frame", 1.0)])
def test_the_chooser_answers_what_the_data_says(page, cost, unit):
    floor, budget = 70.0, 18.5
    # made_runs.small: the i-th configuration costs 20 - i GMACs and milliseconds.
    costs = {key: unit * (20 - i) for i, key in enumerate(SMALL)}
    good = [key for key, miou in SMALL.items() if 100 * miou >= floor and costs[key] <= budget]
    expected = [f"{method}, micro, interval {interval}" for method, interval in sorted(good, key=costs.__getitem__)]
    page.select_option("#chooser select[name=cost]", cost)
    page.fill("#chooser input[name=floor]", str(floor))
    page.fill("#chooser input[name=budget]", str(budget))
    assert len(expected) > 2
    assert page.locator("#chosen tbody th").all_inner_texts() == expected
    assert expected[0] in page.inner_text("#chosen-count")


def test_hover_and_arrow_keys_show_values(page):
    page.locator("#plot-interval .mark").first.dispatch_event("pointerenter")
    assert "mIoU 80.00 %" in page.inner_text("#hover")
    page.locator("#plot-cost").focus()
    page.keyboard.press("ArrowRight")
    first = page.inner_text("#hover")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#hover") != first


def test_the_largest_run_is_offered_first(page):
    for form in ("#chooser", "#plot-options"):
        assert page.locator(f"{form} select[name=run] option").all_inner_texts() == ["small", "single"]


def test_methods_of_one_interval_stand_beside_each_other(page):
    page.select_option("#plot-options select[name=run]", "single")
    marks = page.locator("#plot-interval .mark")
    best_first = sorted(SINGLE, key=SINGLE.__getitem__, reverse=True)
    assert [mark.get_attribute("data-method") for mark in marks.all()] == best_first
    left = [mark.bounding_box()["x"] for mark in marks.all()]
    assert left == sorted(left)
    assert left[1] - left[0] > 40
    page.select_option("#plot-options select[name=run]", "small")


def test_a_phone_scrolls_the_page_down_alone(page):
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.said == []
