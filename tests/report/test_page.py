"""The page as a whole: quiet, quick, narrow enough, and used with the keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_page import opened, unfold
from made_runs import SMALL

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "reports" / "index.html"


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


def test_the_first_screen_has_the_answer_and_the_plot_side_by_side(browser, address):
    page = opened(browser, address)
    boxes = [page.locator(name).bounding_box() for name in (".card", "#plot-cost")]
    assert all(box["y"] + box["height"] <= 900 for box in boxes)
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    assert page.locator("details.question[open]").count() == 0
    page.close()


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
