"""The page in headless Chromium: the browser of CHROMIUM, of PATH, or playwright's own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from made_runs import SMALL, cell, make, small, timed, timing

from bench.report import report
from bench.runs.read import read_run

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
SHIPPED, MEASURED = ROOT / "reports" / "index.html", ROOT / "results" / "measured"
SINGLE = {"copy": 0.6, "dff": 0.75, "mpvss": 0.7}
"""A run of one interval, with fewer configurations than the other."""
TIMES = {"per-frame": (20, 20), "copy": (20, 0), "optical-flow": (20, 4), "mpvss": (20, 5)}
"""Milliseconds of a key frame and a non-key frame."""
MS, GMACS = "ms a frame on some, 1 thread", "GMACs a frame"


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    file = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=file, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    single = make(folder / "single", {(method, 5): cell(miou) for method, miou in SINGLE.items()}, data="other")
    speed = timed(folder / "speed", {method: timing(*times) for method, times in TIMES.items()})
    report([single, small(folder / "small"), speed], folder / "out", ["html"])
    return (folder / "out" / "index.html").as_uri()


def opened(browser, address, width=1280, scheme="light"):
    """The page, with what it says on the console and what it requests."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.said, page.requested = [], []
    page.on("console", lambda message: page.said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda request: page.requested.append(request.url))
    page.goto(address)
    return page


@pytest.fixture(scope="module")
def page(browser, address):
    page = opened(browser, address)
    unfold(page)
    page.select_option("#filters select[name=run]", "small")
    return page


def unfold(page):
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")


def column(page, number):
    cells = page.locator(f"#cells tbody tr:not([hidden]) > :nth-child({number})")
    return [cell.get_attribute("data-value") for cell in cells.all()]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_size_and_scheme_is_quiet_and_does_not_scroll_sideways(browser, address, width, scheme):
    page = opened(browser, address, width, scheme)
    unfold(page)
    for element in page.locator(".tools button, #legend button").all():
        element.dispatch_event("pointerenter")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.said == []
    assert [url for url in page.requested if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 23, 26)"
    )
    page.close()


@pytest.mark.parametrize("shipped", [False, True])
def test_first_contentful_paint_is_under_a_second(browser, address, shipped):
    page = opened(browser, SHIPPED.as_uri() if shipped else address)
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
    assert page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") < 1000
    page.close()


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


def test_the_first_screen_has_the_answer_and_the_plot_side_by_side(browser, address):
    page = opened(browser, address)
    boxes = [page.locator(name).bounding_box() for name in (".card", "#plot-cost")]
    assert all(box["y"] + box["height"] <= 900 for box in boxes)
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    assert page.locator("details.question[open]").count() == 0
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


def test_every_control_has_a_name(page):
    unnamed = page.evaluate("[...document.querySelectorAll('input, select')].filter(x => !x.labels.length).length")
    assert unnamed == 0
    nameless = page.evaluate("[...document.querySelectorAll('button')].filter(x => !x.textContent.trim()).length")
    assert nameless == 0


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


def test_a_switch_shows_the_other_columns(page):
    def shown():
        return [text for text in page.locator("#cells th:visible button").all_inner_texts() if text]

    before = shown()
    assert "Weights" not in before
    page.locator("figure.sheet:has(#cells) .switch input").check()
    assert set(before) < set(shown())
    assert {"Weights", "Status"} <= set(shown())
    page.locator("figure.sheet:has(#cells) .switch input").uncheck()
    assert shown() == before


def costs(unit):
    """What each configuration of `made_runs.small` costs: planted GMACs, or the mean of 15 frames."""
    if unit == GMACS:
        return {key: 20.0 - i for i, key in enumerate(SMALL)}
    keys = {1: 15, 2: 8, 5: 3, 10: 2}
    return {
        (method, interval): (keys[interval] * TIMES[method][0] + (15 - keys[interval]) * TIMES[method][1]) / 15
        for method, interval in SMALL
    }


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


def test_hover_and_arrow_keys_show_values(page):
    page.locator("#plot-interval .mark").first.dispatch_event("pointerenter")
    assert "mIoU 74.00" in page.inner_text("#hover-interval")
    page.locator("#plot-cost").focus()
    page.keyboard.press("ArrowRight")
    first = page.inner_text("#hover")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#hover") != first
    assert "(measured)" in first


def test_differences_lead_and_can_give_way_to_levels(page):
    assert page.input_value("#interval-measure") == "less"
    assert page.locator("#plot-interval .mark[data-series=per-frame]").count() == 0
    page.select_option("#interval-measure", "miou")
    assert page.locator("#plot-interval .mark[data-series=per-frame]").count() == 1
    page.select_option("#interval-measure", "less")


def test_the_legend_filters(page):
    button = page.locator("#legend button", has_text="copy")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert page.locator(".plot .mark[data-series=copy]:not(.legend *)").count() == 0
    button.click()
    assert page.locator("#plot-cost .mark[data-series=copy]").count() == 3


def test_zooms_and_shows_all_again(page):
    def ticks():
        return page.locator("#plot-cost > text").all_text_contents()

    before = ticks()
    page.locator("#plot-cost").focus()
    page.keyboard.press("+")
    assert ticks() != before
    page.keyboard.press("0")
    assert ticks() == before
    box = page.locator("#plot-cost").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.up()
    assert ticks() != before
    page.locator(".first .tools button", has_text="Show all").click()
    assert ticks() == before


def test_a_plot_is_saved_as_a_file_of_its_own(page, tmp_path):
    with page.expect_download() as download:
        page.locator(".first .tools button", has_text="Save as SVG").click()
    saved = tmp_path / "plot.svg"
    download.value.save_as(saved)
    text = saved.read_text()
    assert text.startswith("<svg")
    assert "var(" not in text
    assert text.count('class="mark') == len(SMALL)


def test_methods_of_one_interval_stand_beside_each_other(page):
    page.select_option("#chooser select[name=data]", "other")
    page.select_option("#interval-measure", "miou")
    marks = page.locator("#plot-interval .mark")
    best_first = sorted(SINGLE, key=SINGLE.__getitem__, reverse=True)
    centre = {mark.get_attribute("data-series"): mark.bounding_box()["x"] for mark in marks.all()}
    assert sorted(centre, key=centre.__getitem__) == best_first
    page.select_option("#chooser select[name=data]", "made")
    page.select_option("#interval-measure", "less")


def test_a_link_opens_the_fold_it_leads_to(browser, address):
    page = opened(browser, address)
    page.locator("#answer .count a").click()
    assert page.locator("#which-configuration[open]").count() == 1
    page.close()


def test_tables_fit_or_scroll_inside_themselves(browser, address):
    for width, most in ((1280, 0), (390, None)):
        page = opened(browser, address, width)
        unfold(page)
        over = page.evaluate(
            "[...document.querySelectorAll('.scroll:has(table)')].filter(x => x.scrollWidth > x.clientWidth + 1)"
            ".map(x => x.getAttribute('aria-label'))"
        )
        if most is not None:
            assert over == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.close()
