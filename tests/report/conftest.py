"""A browser, and a page open in it: the browser of CHROMIUM, of PATH, or playwright's own."""

from __future__ import annotations

import os
import shutil

import pytest
from made_page import opened, unfold, write_page


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    file = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=file, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def page(browser, address):
    page = opened(browser, address)
    unfold(page)
    page.select_option("#filters select[name=run]", "small")
    return page
