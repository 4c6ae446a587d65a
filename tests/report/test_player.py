"""The player in headless Chromium, from disk: the browser of CHROMIUM, of PATH, or playwright's own."""

from __future__ import annotations

import base64
import shutil

import numpy as np
import pytest
from made_player import DATA, played, timed_beside

from bench.data import open_dataset
from bench.report import report
from bench.report.player.clip import KeptRun
from bench.report.study import read_study
from bench.runs.kept_labels import LabelStore

pytestmark = pytest.mark.browser
LENGTH, HEIGHT, WIDTH = 7, 64, 96
PIXELS = """side => {
  const canvas = document.querySelector(`.${side} canvas`);
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let text = "";
  for (const byte of data) text += String.fromCharCode(byte);
  return btoa(text);
}"""
CONTRASTS = """() => {
  const shine = (colour) => {
    const linear = (v) => (v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    const [r, g, b] = colour.match(/[\\d.]+/g).map((v) => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const element of document.querySelectorAll("#player *")) {
    const written = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!written || !element.checkVisibility() || element.closest("script, style")) continue;
    const style = getComputedStyle(element), svg = element instanceof SVGElement;
    const [a, b] = [shine(svg ? style.fill : style.color), shine(ground(element))].sort((x, y) => y - x);
    found.push([(a + .05) / (b + .05), element.outerHTML.slice(0, 80)]);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return played(tmp_path_factory.mktemp("player") / "run")


@pytest.fixture(scope="module")
def folder(run):
    """Made, and then moved elsewhere as a whole."""
    report([run, timed_beside(run)], run / "report", ["html"])
    moved = run.parent / "some where" / "else"
    moved.parent.mkdir()
    shutil.move(run / "report", moved)
    return moved


def opened(browser, file, fragment="", **options):
    page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **options})
    page.said, page.asked = [], []
    page.on("console", lambda message: page.said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(file.as_uri() + fragment)
    page.wait_for_selector("#player[data-ready]", timeout=20_000)
    return page


@pytest.fixture(scope="module")
def page(browser, folder):
    page = opened(browser, folder / "player.html")
    yield page
    page.close()


@pytest.fixture(autouse=True)
def _at_the_start(request):
    if "page" in request.fixturenames:
        page = request.getfixturevalue("page")
        page.locator(".stage").focus()
        page.keyboard.press("Home")


def at(page) -> int:
    return int(page.input_value("#player input[name=seek]"))


def pick(page, name: str, value: str) -> None:
    """Choose, and wait until what it takes is loaded, where that is not chosen already."""
    if page.input_value(f"#player select[name={name}]") == value:
        return
    before = page.get_attribute("#player", "data-ready")
    page.select_option(f"#player select[name={name}]", value)
    page.wait_for_function("before => document.querySelector('#player').dataset.ready !== before", arg=before)


def layer(page, value: str, opacity: int = 100) -> None:
    page.check(f"#player input[name=layer][value={value}]")
    page.locator("input[name=opacity]").fill(str(opacity))


def shown(page, side: str) -> np.ndarray:
    """The pixels of a video, (H, W, 3)."""
    data = np.frombuffer(base64.b64decode(page.evaluate(PIXELS, side)), np.uint8).reshape(HEIGHT, WIDTH, 4)
    assert (data[..., 3] == 255).all()
    return data[..., :3]


def test_nothing_comes_from_a_network_and_nothing_is_amiss(page, folder):
    assert page.said == []
    places = {url.partition(":")[0] for url in page.asked}
    assert places <= {"file", "data"}
    assert all(url.startswith(folder.as_uri()) for url in page.asked if url.startswith("file"))
    unnamed = page.evaluate("[...document.querySelectorAll('input, select')].filter(x => !x.labels.length).length")
    assert unnamed == 0


def test_the_canvas_shows_the_label_maps_of_the_files(page, run):
    data, (study,) = open_dataset(DATA), read_study([run]).runs
    store, cells = LabelStore(run), list(KeptRun.of(study).counts)
    for number, title in enumerate(page.locator("select[name=clip] option").all_inner_texts()):
        if number:
            pick(page, "clip", str(number))
        index = next(i for i, clip in enumerate(data.clips) if clip.name == title.split()[0])
        truth = [frame.labels for frame in data.clips[index].frames()]
        for first, second in ((0, 2), (1, 0)):
            pick(page, "left", str(first))
            pick(page, "right", str(second))
            kept = {
                side: [found.labels for found in store.read(cells[cell], index, data.clips[index].name).maps()]
                for side, cell in (("left", first), ("right", second))
            }
            for time in range(0, LENGTH, 2):
                page.locator(".stage").focus()
                page.keyboard.press("Home")
                for _ in range(time):
                    page.keyboard.press("ArrowRight")
                assert at(page) == time
                for side, maps in kept.items():
                    layer(page, "prediction")
                    np.testing.assert_array_equal(shown(page, side), data.palette[maps[time]])
                    layer(page, "error")
                    wrong = (shown(page, side) == (255, 64, 32)).all(axis=-1)
                    np.testing.assert_array_equal(wrong, maps[time] != truth[time])
                layer(page, "truth")
                np.testing.assert_array_equal(shown(page, "left"), data.palette[truth[time]])
    pick(page, "clip", "0")
    assert page.said == []


def test_frames_and_flow_are_those_of_the_data(page):
    data = open_dataset(DATA)
    title = page.locator("select[name=clip] option").first.inner_text()
    clip = next(clip for clip in data.clips if clip.name == title.split()[0])
    pick(page, "right", "2")
    page.keyboard.press("Tab")
    layer(page, "frame")
    picture = next(iter(clip.frames())).image.transpose(1, 2, 0)
    assert np.abs(shown(page, "left").astype(int) - picture).mean() < 12  # of 255, lost by compression
    page.click("button[name=on]")
    layer(page, "flow")
    assert np.abs(shown(page, "right").astype(int) - shown(page, "left")).mean() > 20  # per-frame has no flow
    layer(page, "prediction", 70)


def test_keys_move_both_videos(page):
    pick(page, "left", "0")
    pick(page, "right", "2")
    page.locator(".stage").focus()
    for key, place in (
        *(("ArrowRight", 1), ("ArrowRight", 2), ("Shift+ArrowRight", 3), ("Shift+ArrowRight", 6), ("ArrowLeft", 5)),
        *(("Shift+ArrowLeft", 3), ("End", LENGTH - 1), ("ArrowRight", LENGTH - 1), ("Home", 0), ("ArrowLeft", 0)),
    ):
        page.keyboard.press(key)
        assert at(page) == place, key
        assert page.inner_text(".now").startswith(f"Frame {place} of {LENGTH}: left mIoU")
        assert all(f"frame {place}" in c.get_attribute("aria-label") for c in page.locator(".stage canvas").all())
        assert page.locator(".right .key").count() == (place % 3 == 0)


def test_keys_of_the_videos_choose_layer_and_view(page):
    pick(page, "right", "2")
    page.locator(".stage").focus()
    for key, value in (("1", "frame"), ("2", "truth"), ("4", "error"), ("5", "flow"), ("3", "prediction")):
        page.keyboard.press(key)
        assert page.is_checked(f"input[name=layer][value={value}]")
    page.keyboard.press("w")
    assert page.is_checked("input[name=view][value=wipe]")
    boxes = [canvas.bounding_box() for canvas in page.locator(".stage canvas").all()]
    assert boxes[0] == boxes[1]
    page.mouse.move(boxes[0]["x"] + boxes[0]["width"] / 4, boxes[0]["y"] + 20)
    page.mouse.down()
    assert 24 <= float(page.input_value("input[name=at]")) <= 26
    page.mouse.up()
    page.locator(".stage").focus()
    page.keyboard.press("w")
    assert page.is_checked("input[name=view][value=side]")
    page.locator("summary").last.focus()
    page.keyboard.press("w")
    assert page.is_checked("input[name=view][value=side]")  # a letter counts on the videos alone


def test_a_click_on_the_timeline_seeks(page):
    for svg in ("svg.iou", "svg.ms"):
        page.locator(svg).scroll_into_view_if_needed()
        box = page.locator(svg).bounding_box()
        for place in (4, 1):
            x = box["x"] + 36 + place / (LENGTH - 1) * (box["width"] - 46)
            page.mouse.click(x, box["y"] + 40)
            assert at(page) == place


def test_it_plays_when_told_and_stops_at_the_end(page):
    page.wait_for_timeout(400)
    assert at(page) == 0, "nothing plays by itself"
    page.select_option("select[name=speed]", "4")
    page.locator(".stage").focus()
    page.keyboard.press(" ")
    page.wait_for_function("document.querySelector('[name=seek]').value === '6'")
    page.wait_for_function("document.querySelector('[name=play]').textContent === 'Play'")
    page.select_option("select[name=speed]", "1")


def test_the_numbers_are_in_a_table(page):
    page.click(".numbers summary")
    rows = page.locator(".numbers tbody tr")
    rows.last.wait_for()
    assert rows.count() == LENGTH
    assert rows.nth(3).locator("td").first.inner_text() == "3"
    page.click(".numbers summary")


def test_the_focus_is_seen(page):
    for name in ("select[name=clip]", "input[name=opacity]", ".stage", "button[name=play]", "input[name=seek]"):
        page.locator("body").click(position={"x": 1, "y": 1})
        page.keyboard.press("Tab")
        page.locator(name).focus()
        width = page.locator(name).evaluate("e => parseFloat(getComputedStyle(e).outlineWidth)")
        assert width >= 2, name


def test_a_link_leads_to_a_frame(browser, folder):
    page = opened(browser, folder / "player.html", "#clip=1&left=2&right=1&frame=5")
    assert at(page) == 5
    assert [page.input_value(f"select[name={name}]") for name in ("clip", "left", "right")] == ["1", "2", "1"]
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_and_can_be_read(browser, folder, scheme, width):
    page = opened(
        browser,
        folder / "player.html",
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    for details in page.locator("details").all():
        details.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 30
    assert [found for found in contrasts if found[0] < 4.5] == []
    page.wait_for_timeout(300)
    assert at(page) == 0
    assert page.said == []
    page.close()


def test_missing_data_are_told(browser, folder, tmp_path):
    shutil.copy(folder / "player.html", tmp_path)
    page = browser.new_page()
    page.goto((tmp_path / "player.html").as_uri())
    page.wait_for_selector("#player .problem:not([hidden])")
    assert 'keep the folder "player" beside this page' in page.inner_text("#player .problem")
    page.close()
