"""The page's plots: values, the legend, zoom and export."""

from __future__ import annotations

import pytest
from made_page import SINGLE
from made_runs import SMALL

pytestmark = pytest.mark.browser


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
