"""The extras of the project's metadata, of the installation page, of messages, and of `doctor`."""

import re
import tomllib

from doc_blocks import PAGES, ROOT
from packaging.requirements import Requirement

from bench.doctor.software import EXTRAS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ROW = re.compile(r"^\| `(?P<extra>\w+)` \| (?P<purpose>.+) \| (?P<adds>.+) \|$", re.MULTILINE)
NAMED = re.compile(r"(?:mpvss-bench|FILE\.whl|'\.)\[(\w+(?:,\w+)*)\]")


def added(requirement: Requirement) -> set[str]:
    """What a requirement of an extra adds, as the page writes it."""
    within = requirement.name == PROJECT["name"]
    return {f"`{extra}`" for extra in requirement.extras} if within else {requirement.name}


def test_the_page_says_of_every_extra_what_it_is_for_and_adds():
    rows = list(ROW.finditer((ROOT / "docs" / "install.md").read_text()))
    assert {row["extra"]: row["purpose"] for row in rows} == EXTRAS
    extras = PROJECT["optional-dependencies"]
    assert {row["extra"]: set(row["adds"].split(", ")) for row in rows} == {
        extra: set().union(*(added(Requirement(text)) for text in texts)) for extra, texts in extras.items()
    }


def test_every_extra_that_is_named_exists():
    sources = [file for package in ("baselines", "bench", "mpvss") for file in (ROOT / package).rglob("*.py")]
    texts = [file.read_text() for file in (*sources, *PAGES, ROOT / "Dockerfile", ROOT / "pyproject.toml")]
    named = {extra for text in texts for found in NAMED.findall(text) for extra in found.split(",")}
    assert {"peer", "dis", "hub", "cluster", "dev"} <= named <= EXTRAS.keys()
