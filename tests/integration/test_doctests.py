"""Examples in docstrings show what really comes out."""

import doctest
import importlib

import pytest

MODULES = (
    "bench.evaluate.schedule",
    "bench.methods",
    "bench.methods.names",
    "mpvss.checkpoints.load",
    "mpvss.warp",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
