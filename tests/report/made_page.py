"""A report's page of two planted data sets, and what a browser is asked of it."""

from __future__ import annotations

from made_runs import SMALL, cell, make, small, timed, timing

from bench.report import report

SINGLE = {"copy": 0.6, "dff": 0.75, "mpvss": 0.7}
"""A run of one interval, with fewer configurations than the other."""
TIMES = {"per-frame": (20, 20), "copy": (20, 0), "optical-flow": (20, 4), "mpvss": (20, 5)}
"""Milliseconds of a key frame and a non-key frame."""
MS, GMACS = "ms a frame on some, 1 thread", "GMACs a frame"


def write_page(folder):
    """The page; its address."""
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


def unfold(page):
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")


def costs(unit):
    """What each configuration of `made_runs.small` costs: planted GMACs, or the mean of 15 frames."""
    if unit == GMACS:
        return {key: 20.0 - i for i, key in enumerate(SMALL)}
    keys = {1: 15, 2: 8, 5: 3, 10: 2}
    return {
        (method, interval): (keys[interval] * TIMES[method][0] + (15 - keys[interval]) * TIMES[method][1]) / 15
        for method, interval in SMALL
    }
