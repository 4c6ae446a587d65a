"""Examples in docstrings run and print what they show."""

import doctest
import importlib

import pytest

MODULES = [
    "bench.data.options",
    "bench.data.spec",
    "bench.measure.time.quantiles",
    "bench.metrics.confusion",
    "bench.metrics.iou",
    "bench.train.validation",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
