"""Examples in docstrings run and print what they show."""

import doctest
import importlib

import pytest

MODULES = (
    "bench.data.options",
    "bench.data.spec",
    "bench.evaluate.schedule",
    "bench.measure.time.quantiles",
    "bench.methods",
    "bench.methods.names",
    "bench.metrics.confusion",
    "bench.metrics.iou",
    "bench.train.validation",
    "mpvss.checkpoints.load",
    "mpvss.warp",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
