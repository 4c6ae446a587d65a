"""A package of a user's own adds a method through an entry point, and the project is not touched."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "tests" / "integration" / "example_method"


@pytest.fixture
def installed(tmp_path):
    """A folder for the module path, in which the example package is installed."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    site = tmp_path / "site"
    info = site / f"example_method-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    (group, entries), *_ = project["entry-points"].items()
    lines = [f"{name} = {target}" for name, target in entries.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines]))
    (site / "example_method.py").write_text((PACKAGE / "example_method.py").read_text())
    return site


def test_it_is_swept_and_reported(installed, tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)]), "OMP_NUM_THREADS": "1"}

    def run(*arguments):
        command = [sys.executable, "-m", "bench", *map(str, arguments)]
        return subprocess.run(command, check=True, env=environment, capture_output=True, text=True)

    out = tmp_path / "run"
    grid = ("--methods", "brightness,copy", "--backbones", "nano", "--intervals", "1,2", "--repeats", "1")
    run("sweep", *grid, "--data", "generated:clips=1,frames=3,size=32x48", "--out", out)
    cells = [json.loads(file.read_text()) for file in (out / "cells").glob("*brightness*")]
    assert [cell["errors"] for cell in cells] == [{}, {}]
    for cell in cells:
        assert 0 <= cell["accuracy"]["miou"] <= 1
        # A product of three for each pixel of each frame.
        assert (cell["cost"]["key_macs"], cell["cost"]["parameters"]) == (3 * 32 * 48, 3)
    run("report", out, "--formats", "md")
    assert "| brightness" in (out / "report" / "report.md").read_text()
