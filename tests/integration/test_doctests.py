"""Examples in docstrings run and print what they show."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

MODULES = (
    "bench.compare.runs",
    "bench.data.options",
    "bench.data.spec",
    "bench.evaluate.schedule",
    "bench.measure.time.quantiles",
    "bench.measure.time.record",
    "bench.methods",
    "bench.methods.names",
    "bench.metrics.confusion",
    "bench.metrics.counts",
    "bench.metrics.iou",
    "bench.metrics.temporal",
    "bench.report.write",
    "bench.runs.read",
    "bench.train.validation",
    "mpvss.checkpoints.load",
    "mpvss.warp",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, monkeypatch):
    monkeypatch.chdir(ROOT)  # some read the measured runs
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
