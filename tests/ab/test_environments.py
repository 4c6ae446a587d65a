"""Which environment a version runs in, and that its own one is made once."""

import subprocess
import sys

import pytest

from bench.ab import environments
from bench.ab.environments import interpreter_for
from bench.ab.errors import NotMeasurableError
from mpvss.errors import UserError

PROJECT = '[project]\nname = "p"\ndependencies = [{}]\n'


def version(folder, dependencies="", constraints="torch==2"):
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT.format(dependencies))
    (folder / "constraints.txt").write_text(constraints)
    return folder


@pytest.fixture
def present(tmp_path, monkeypatch):
    """The code at hand needs `a` and `b`; commands are recorded, and a virtual environment is an empty folder."""
    monkeypatch.setattr(environments, "PRESENT", version(tmp_path / "present", '"a", "b"'))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    commands = []
    monkeypatch.setattr(environments, "_run", commands.append)
    return commands


def test_the_same_dependencies_run_in_the_present_environment_and_it_is_said(tmp_path, present):
    said = []
    root = version(tmp_path / "other", '"b", "a"')
    found = interpreter_for(root, "auto", said.append)
    assert found.python == sys.executable
    assert found.path[0] == str(root)
    assert present == []
    assert said == [f"{root} runs in the present environment: its dependencies are those of this code"]


@pytest.mark.parametrize(("dependencies", "constraints"), [('"a", "c"', "torch==2"), ('"a", "b"', "torch==3")])
def test_others_get_an_environment_of_their_own_which_is_made_once(tmp_path, present, dependencies, constraints):
    root = version(tmp_path / "other", dependencies, constraints)
    found = interpreter_for(root, "auto", lambda text: None)
    assert found.python.startswith(str(tmp_path / "cache"))
    venv, pip = present
    assert venv[1:3] == ["-m", "venv"]
    assert pip[0] == found.python
    assert pip[-2:] == [name.strip(' "') for name in dependencies.split(",")]
    again = version(tmp_path / "again", dependencies, constraints)
    assert interpreter_for(again, "auto", lambda text: None).python == found.python
    assert len(present) == 2
    assert interpreter_for(again, "present", lambda text: None).python == sys.executable
    assert interpreter_for(environments.PRESENT, "own", lambda text: None).python != sys.executable


def test_beside_an_installed_package_each_version_gets_its_own(tmp_path, present, monkeypatch):
    site_packages = tmp_path / "site-packages"
    site_packages.mkdir()
    monkeypatch.setattr(environments, "PRESENT", site_packages)
    assert interpreter_for(version(tmp_path / "one"), "auto", lambda text: None).python != sys.executable


def test_an_environment_that_cannot_be_made_is_no_environment(tmp_path, present, monkeypatch):
    root = version(tmp_path / "other", '"no-such-thing"')

    def fail(command):
        raise subprocess.CalledProcessError(1, command, stderr="many words\nno such package\n")

    monkeypatch.setattr(environments, "_run", fail)
    for _ in range(2):
        with pytest.raises(NotMeasurableError, match="cannot be installed: no such package"):
            interpreter_for(root, "auto", lambda text: None)


def test_what_is_refused(tmp_path, present):
    with pytest.raises(UserError, match="environment is 'mine'; it must be one of auto, present, own"):
        interpreter_for(tmp_path, "mine", print)  # type: ignore[arg-type]
    with pytest.raises(NotMeasurableError, match=r"dependencies of .* cannot be read"):
        interpreter_for(tmp_path / "nowhere", "auto", print)
