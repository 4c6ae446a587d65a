"""What `doctor` finds on this machine, and what it says of something that is missing."""

from __future__ import annotations

from importlib import metadata

import pytest

from bench.cli.main import main
from bench.doctor import machine, software
from bench.doctor.examine import examine


def test_every_extra_of_the_project_is_explained():
    assert set(software.EXTRAS) == set(metadata.metadata(software.PROJECT).get_all("Provides-Extra"))


def test_a_library_that_is_missing_is_broken_and_one_of_an_extra_is_not(monkeypatch, tmp_path):
    real = software.version_of
    absent = {"pandas", "transformers"}
    monkeypatch.setattr(software, "version_of", lambda name: None if name in absent else real(name))
    found = {finding.name: finding for finding in examine(tmp_path)}
    assert found["pandas"].state == "broken"
    assert found["pandas"].remedy is not None
    assert "pandas>=" in found["pandas"].remedy
    assert found["peer"].state == "no"
    assert "transformers" in str(found["peer"].remedy)
    assert found["torch"].state == "yes"


def test_a_library_that_is_too_old_is_broken_and_says_what_is_needed(monkeypatch, tmp_path):
    real = software.version_of
    monkeypatch.setattr(software, "version_of", lambda name: "1.0" if name == "torch" else real(name))
    found = {finding.name: finding for finding in examine(tmp_path)}
    assert found["torch"].state == "broken"
    assert found["torch"].detail == "1.0, and >=2.4 is needed"


def test_extras_within_an_extra_are_resolved():
    names = {requirement.name for requirement in software.requirements("dev")}
    assert {"pytest", "ruff", "transformers", "tox"} <= names
    assert software.PROJECT not in names


def test_free_space_is_that_of_the_nearest_folder_that_exists(tmp_path, monkeypatch):
    asked = []

    def usage(path):
        asked.append(path)
        return type("Usage", (), {"free": machine.GIB // 2})

    monkeypatch.setattr(machine.shutil, "disk_usage", usage)
    found = machine.free_space(tmp_path / "not" / "there")
    assert asked == [tmp_path]
    assert (found.state, found.detail) == ("no", f"0.5 GiB at {tmp_path}")


@pytest.mark.parametrize(
    ("spec", "status", "text"), [("synthetic:clips=1", 0, "12 classes"), ("vspw:nowhere", 1, "nowhere")]
)
def test_data_that_is_not_there_is_exit_status_one(spec, status, text, capsys):
    assert main(["doctor", "--data", spec]) == status
    assert text in capsys.readouterr().out
