"""`--check` looks at data, runs nothing, and tells a script whether they are complete."""

import pytest

from bench.cli.main import main

DATA = "synthetic:clips=1,frames=2,size=64x96"


@pytest.mark.parametrize("command", ["sweep", "latency"])
def test_complete(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([command, "--data", DATA, "--check"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{DATA}: complete",
        "found:   1 clip, 2 frames",
        "found:   frames of 96x64",
        "found:   labels of every frame; 12 classes",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["sweep", "latency"])
def test_not_complete(command, capsys, tmp_path):
    assert main([command, "--data", f"cityscapes:{tmp_path}", "--check"]) == 2
    said = capsys.readouterr().out
    assert f"missing: folder {tmp_path}/leftImg8bit_sequence/val\n" in said
    assert f"missing: folder {tmp_path}/gtFine/val\n" in said
    assert "layout:  Cityscapes is laid out as PATH/leftImg8bit_sequence/SPLIT/CITY/" in said


def test_both_data_sets_of_a_training_run(capsys, tmp_path):
    sets = ["--set", f"data.train={DATA}", "--set", f"data.validation=vspw:{tmp_path}"]
    assert main(["train", "small-per-frame", *sets, "--check"]) == 2
    said = capsys.readouterr().out
    assert f"{DATA}: complete" in said
    assert f"vspw:{tmp_path}: not complete\nmissing: folder {tmp_path}/data" in said


def test_flying_shapes_are_drawn(capsys):
    assert main(["train", "small-flownets", "--check"]) == 0
    assert capsys.readouterr().out == "nothing to look at: all of it is made up on the spot\n"


@pytest.mark.parametrize("command", [["sweep"], ["latency"], ["train", "small-per-frame"]])
def test_without_check_results_need_a_folder(command, capsys):
    assert main(command) == 2
    assert "--out is missing: give the folder of the results, or --check" in capsys.readouterr().err
