"""The project's version, and those of Python that it is tried with, have one home, and what repeats them agrees."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from bench import __version__
from bench.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


def test_the_command_line_states_it(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == f"mpvss-bench {__version__}"


def test_metadata_citation_and_changelog_agree():
    assert metadata.version("mpvss-bench") == __version__
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == __version__
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == __version__


def test_versions_of_python_agree():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = settings["project"]
    tried = [found[1] for text in project["classifiers"] if (found := re.search(r"Python :: (3\.\d+)$", text))]
    assert project["requires-python"] == f">={tried[0]}"
    assert settings["tool"]["basedpyright"]["pythonVersion"] == tried[0]
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == tried
    assert f"Python {tried[0]} to {tried[-1]}" in (ROOT / "docs" / "install.md").read_text()
    assert f"Python {tried[0]} or newer" in (ROOT / "README.md").read_text()
