"""Predicted speed of methods by name."""

import json

import pytest

from bench.cli.main import main
from bench.measure.predict.model import Rates
from bench.measure.predict.speeds import as_markdown, predict
from mpvss.segmentor import deformable

RATES = Rates(30e-6, 0.9, 0.9, 0.3, 0.5)
SMALL = {"backbones": ["nano"], "size": (64, 96), "num_classes": 3, "rates": RATES}


def test_a_row_for_each_method_and_device():
    rows = predict(["per-frame", "copy"], devices=["v100", "h100"], **SMALL)
    assert [(row.method, row.device) for row in rows] == [
        *(("per-frame", "v100"), ("per-frame", "h100"), ("copy", "v100"), ("copy", "h100"))
    ]
    per_frame, _, copy, _ = rows
    assert per_frame.key_ms == per_frame.non_key_ms == pytest.approx(copy.key_ms)
    assert per_frame.fps == pytest.approx(1000 / per_frame.key_ms)
    assert (copy.non_key_ms, copy.fps) == (0, pytest.approx(5 * per_frame.fps))


def test_a_faster_device_is_no_slower_and_small_networks_wait_for_the_host():
    v100, h100 = predict(["mpvss"], devices=["v100", "h100"], **SMALL)
    assert h100.fps >= v100.fps
    assert h100.fps == pytest.approx(v100.fps, rel=0.05)


def test_predicted_figures_say_so():
    (row,) = predict(["per-frame"], devices=["t4"], **SMALL)
    table = as_markdown([row])
    assert "predicted FPS" in table
    assert f"~{row.fps:.3g}" in table


def test_the_published_graph_is_left_with_its_own_reader():
    reader = deformable._GridSample
    predict(["per-frame"], devices=["v100"], graph="paper", **SMALL)
    assert deformable._GridSample is reader


@pytest.mark.parametrize(
    ("devices", "precision", "message"),
    [
        (["v100", "abacus"], "float32", "unknown device 'abacus'; known are v100, a100"),
        (["t4"], "tf32", "no tf32 figure is known of NVIDIA T4"),
    ],
)
def test_what_is_refused(devices, precision, message):
    with pytest.raises(ValueError, match=message):
        predict(["per-frame"], devices=devices, precision=precision, **SMALL)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--paper", "--fps", "t4"], "the paper's speeds are of a v100; give --fps v100, not t4"),
        (["--counters", "--fps", "t4"], "--counters is a table of its own"),
        (["--devices", "mine.toml"], "give --fps too"),
    ],
)
def test_what_the_command_refuses(arguments, message, capsys):
    assert main(["cost", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_command_writes_predictions_that_say_so(capsys, tmp_path):
    file = tmp_path / "predicted.json"
    network = ["--methods", "copy", "--backbones", "nano", "--size", "64x96", "--classes", "3"]
    assert main(["cost", "--fps", "t4,v100", *network, "--json", str(file)]) == 0
    assert capsys.readouterr().out.startswith("Predicted, not measured")
    rows = json.loads(file.read_text())["predicted"]
    assert [(row["device"], row["graph"], row["non_key_ms"]) for row in rows] == [
        ("t4", "lean", 0),
        ("v100", "lean", 0),
    ]


def test_a_device_of_the_users_own_is_predicted_from_a_file(capsys, tmp_path):
    """Twice the T4's figures make half of its time where neither waits for the host."""
    file = tmp_path / "mine.toml"
    board = '[board]\nname = "A board"\nfloat32 = {}\nbandwidth = {}\nsource = "its maker"\nlaunch_us = 1e-6\n'
    file.write_text(board.format(8.1, 320) + board.replace("[board]", "[double]").format(16.2, 640))
    network = ["--methods", "per-frame", "--backbones", "nano", "--size", "64x96", "--classes", "3"]
    assert (
        main(["cost", "--fps", "board,double", "--devices", str(file), *network, "--json", f"{tmp_path}/x.json"]) == 0
    )
    board, double = (row["key_ms"] for row in json.loads((tmp_path / "x.json").read_text())["predicted"])
    assert double == pytest.approx(board / 2)
    assert main(["compare", str(tmp_path / "x.json"), str(tmp_path / "x.json")]) == 2
    assert "holds predictions" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_prints_the_papers_speeds(capsys, tmp_path):
    assert main(["cost", "--paper", "--fps", "v100", "--json", str(tmp_path / "speeds.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    cells = [line for line in lines if "published FPS" in line]
    assert len(cells) == 24
    assert sum(line.endswith("fitted") for line in cells) == 8
    assert all("~" in line and "predicted" in line for line in cells)
    assert lines[-1].startswith("16 cells not fitted: mean error ")
    speeds = json.loads((tmp_path / "speeds.json").read_text())["speeds"]
    assert sum(speed["fitted"] for speed in speeds) == 8
