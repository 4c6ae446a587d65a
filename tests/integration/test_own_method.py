"""A package of a user's own adds a method and an image network through entry points, and the project is not touched."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch

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
    lines = []
    for group, entries in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines))
    for module in PACKAGE.glob("*.py"):
        (site / module.name).write_text(module.read_text())
    return site


@pytest.fixture
def run(installed):
    """`run(*arguments)`: the command in a process that has the example package."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)]), "OMP_NUM_THREADS": "1"}

    def run(*arguments):
        command = [sys.executable, "-m", "bench", *map(str, arguments)]
        return subprocess.run(command, check=True, env=environment, capture_output=True, text=True)

    return run


def cells_of(out: Path) -> dict[str, dict]:
    return {cell["method"]: cell for cell in (json.loads(file.read_text()) for file in (out / "cells").iterdir())}


def test_a_method_is_swept_and_reported(run, tmp_path):
    out, weights = tmp_path / "run", tmp_path / "grey.pt"
    torch.save({"to_grey.weight": torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1)}, weights)
    grid = ("--methods", "brightness,brightness@green,copy", "--backbones", "nano", "--intervals", "1,2")
    how = ("--weights", f"nano/brightness@green={weights}", "--repeats", "1")
    run("sweep", *grid, *how, "--data", "generated:clips=1,frames=3,size=32x48", "--out", out)
    cells = [json.loads(file.read_text()) for file in (out / "cells").glob("*brightness*")]
    assert [cell["errors"] for cell in cells] == [{}] * 4
    for cell in cells:
        assert 0 <= cell["accuracy"]["miou"] <= 1
        # A product of three for each pixel of each frame.
        assert (cell["cost"]["key_macs"], cell["cost"]["parameters"]) == (3 * 32 * 48, 3)
        own = cell["method"] == "brightness"
        assert cell["weights"].startswith("the method's own" if own else "grey.pt (sha256 ")
    assert len({cell["accuracy"]["miou"] for cell in cells if cell["interval"] == 1}) == 2
    run("report", out, "--formats", "md")
    assert "| brightness" in (out / "report" / "report.md").read_text()


def test_an_image_network_is_swept_as_those_of_others_are(run, tmp_path):
    out, weights = tmp_path / "run", tmp_path / "levels.pt"
    torch.save({"levels": torch.arange(6) * 40.0}, weights)
    methods = ("per-frame", "copy", "optical-flow", "optical-flow-dis")
    grid = ("--methods", ",".join(methods), "--backbones", "grey-levels", "--intervals", "3", "--repeats", "1")
    how = ("--weights", "shipped", "--weights", f"grey-levels={weights}")
    run("sweep", *grid, *how, "--data", "generated:clips=1,frames=3,size=64x96", "--out", out)
    cells = cells_of(out)
    assert set(cells) == set(methods)
    for method, cell in cells.items():
        assert cell["errors"] == {}
        assert cell["accuracy"]["miou"] > 0
        assert cell["weights"].startswith("levels.pt (sha256 ")
        assert ("flow model.safetensors" in cell["weights"]) == (method == "optical-flow")
    assert cells["per-frame"]["cost"]["parameters"] == cells["optical-flow-dis"]["cost"]["parameters"] == 6
    assert [part for part in cells["optical-flow-dis"]["cost"]["not_counted"] if "dis.py" in part]
    first = {method: cell["accuracy"]["miou"] for method, cell in cells.items()}
    assert first["optical-flow-dis"] > first["copy"]
