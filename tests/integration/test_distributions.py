"""Wheel and source distribution: what is in them, and that an installed package works from an empty folder."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email.parser import BytesParser
from pathlib import Path

import pytest
import yaml

from bench import __version__
from bench.published import CLAIMS, TABLES

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("mpvss", "baselines", "bench")
LEFT_OUT = {".git", ".venv", ".tox", "build", "dist", "__pycache__"}
"""Folders of a checkout that are no part of it, or are made from it."""
MEBIBYTE = 2**20

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def run(*command: object, cwd: Path) -> str:
    """The output of a command, in a folder, without this process's search path."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of a source distribution and of the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("built")
    # A copy: a build writes into its folder, and takes in what an earlier one left there.
    copy = folder / "checkout"
    runs = str(ROOT / "results" / "runs")
    shutil.copytree(ROOT, copy, ignore=lambda at, names: names if at == runs else LEFT_OUT.intersection(names))
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, copy, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    (wheel,) = built.glob("*.whl")
    return wheel


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of the packages in a folder."""
    files = (file for package in PACKAGES for file in (folder / package).rglob("*") if file.is_file())
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if "__pycache__" not in file.parts
    }


def test_the_wheel_of_the_source_distribution_holds_every_file_of_the_packages(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
        (info,) = {name.partition("/")[0] for name in held if ".dist-info/" in name}
        metadata = BytesParser().parsebytes(archive.read(f"{info}/METADATA"))
    assert {name: digest for name, digest in held.items() if not name.startswith(info)} == digests(ROOT)
    assert metadata["Version"] == __version__
    assert f"{info}/licenses/LICENSE" in held


def test_the_source_distribution_is_the_whole_project(built):
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        held = {name.partition("/")[2] for name in file.getnames()}
    assert {"CHANGELOG.md", "CITATION.cff", "LICENSE", "constraints.txt", "tox.ini", ".ci/run"} <= held
    for folder in ("docs", "tests", "results/measured", "reports", ".github"):
        files = [file for file in (ROOT / folder).rglob("*") if file.is_file() and "__pycache__" not in file.parts]
        assert {file.relative_to(ROOT).as_posix() for file in files} <= held
    assert not [name for name in held if name.endswith(".pyc") or name.startswith(("results/runs", ".git/"))]
    assert archive.stat().st_size < 64 * MEBIBYTE


def test_an_installed_wheel_works_from_an_empty_folder(wheel, tmp_path):
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    scripts = tmp_path / "venv" / "bin"
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    # Libraries are those of the present environment; this checkout is not, though it may be installed there.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n" + sysconfig.get_path("platlib") + "\n")
    pip = (sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--no-deps", "--no-index")
    run(*pip, wheel, cwd=tmp_path)

    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(scripts / "mpvss-bench", "--version", cwd=empty).strip() == f"mpvss-bench {__version__}"
    said = run(scripts / "python", Path(__file__).with_name("use_installed.py"), cwd=empty)
    found = json.loads(said.splitlines()[-1])
    assert Path(found["package"]) == site
    assert found["presets"] == sorted(file.stem for file in (ROOT / "bench" / "train" / "presets").glob("*.toml"))
    models = (ROOT / "bench" / "weights").glob("*/*/model.safetensors")
    assert found["shipped"] == sorted(file.parent.relative_to(ROOT / "bench" / "weights").as_posix() for file in models)
    with TABLES.open() as file:
        costs = [row for row in csv.DictReader(file) if row["table"] in ("1", "2")]
    assert found["figures"] == len(costs)
    assert 0 < found["rows"] <= len({(row["table"], row["method"], row["backbone"]) for row in costs})
    assert found["claims"] == [claim["name"] for claim in yaml.safe_load(CLAIMS.read_text())["claims"]]
    assert "tables, beside what was counted and measured" in (empty / "report" / "index.html").read_text()
    assert (empty / "overlay.mp4").stat().st_size > 0
