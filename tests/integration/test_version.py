"""The version has one home, and what repeats it agrees."""

from __future__ import annotations

import re
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
