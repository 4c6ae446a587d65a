"""Programs that are no Python library: a compiler for `--compile`, a browser for the page's tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator

import torch

from bench.doctor.finding import Finding
from bench.doctor.software import version_of

COMPILERS = ("g++", "clang++", "c++")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def backends() -> Iterator[Finding]:
    """What `--compile`, and the tests in a browser, need."""
    compiler = _first_of((os.environ.get("CXX"), *COMPILERS))
    yield _program("C++ compiler", compiler, "needed by `--compile`", "install g++")
    if torch.cuda.is_available():
        yield _program("triton", version_of("triton"), "needed by `--compile` on a card", "pip install triton")
    browser = _first_of((os.environ.get("CHROMIUM"), *BROWSERS))
    yield _program("Chromium", browser, "needed by `tox run -e browser`", "install chromium")


def _first_of(names: Iterable[str | None]) -> str | None:
    """The path of the first of these programs that is there."""
    return next((path for name in names if name and (path := shutil.which(name))), None)


def _program(name: str, found: str | None, purpose: str, remedy: str) -> Finding:
    return Finding("Programs", name, "yes" if found else "no", found or purpose, remedy)
