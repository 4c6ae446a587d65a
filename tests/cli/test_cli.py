"""The command line: help at once, one-line refusals, and the way from a sweep to its report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.data import open_dataset
from bench.report.study import read_study
from bench.runs.read import read_run
from bench.runs.records.base import schema_of
from bench.runs.records.cost import CostRecord

ROOT = Path(__file__).resolve().parents[2]
TINY = ("--data", "generated:clips=1,frames=4,size=64x64", "--repeats", "1", "--intervals", "1,3", "--threads", "1")


def test_sweep_then_report_then_again(tmp_path, capsys):
    out = tmp_path / "run"
    sweep = ["sweep", "--methods", "per-frame,copy,mpvss", *TINY, "--out", str(out)]
    assert main(sweep) == 0
    table = read_run(out)
    assert len(table) == 5
    # It ends with its table.
    printed = capsys.readouterr().out
    assert printed.startswith("micro\n\n| Method")
    assert [line.split("|")[1].strip() for line in printed.splitlines()[4:9]] == table["method"].tolist()
    assert (table["status"] == "ok").all()
    assert (table["weights"] == "untrained").all()
    assert table["miou"].between(0, 1).all()
    assert (table["parameters"] > 0).all()
    at_three = table[table["interval"] == 3].set_index("method")
    macs = at_three["non_key_macs"]
    assert macs["copy"] < macs["mpvss"] < at_three["key_macs"]["mpvss"]
    assert main(["report", str(out)]) == 0
    assert (out / "report" / "report.md").exists()
    before = [path.stat().st_mtime_ns for path in sorted((out / "cells").iterdir())]
    assert main(sweep) == 0
    assert [path.stat().st_mtime_ns for path in sorted((out / "cells").iterdir())] == before
    assert "all cells are there" in capsys.readouterr().err
    assert main([*sweep, "--seed", "7"]) == 2
    assert "seed: 0 there, 7 now" in capsys.readouterr().err


def test_a_failed_cell_is_exit_status_one(tmp_path, monkeypatch, capsys):
    import bench.sweep.run_sweep

    def fail(*args, **kwargs):
        raise NotImplementedError("no count")

    monkeypatch.setattr(bench.sweep.run_sweep, "method_cost", fail)
    assert main(["sweep", "--methods", "copy", *TINY, "--out", str(tmp_path / "run")]) == 1
    assert "2 cells failed" in capsys.readouterr().err


def test_interrupted_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    import bench.sweep.cells

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.sweep.cells, "measure_times", interrupt)
    out = tmp_path / "run"
    assert main(["sweep", "--methods", "copy", *TINY, "--out", str(out)]) == 130
    assert "rerun the same command to resume" in capsys.readouterr().err
    assert list((out / "partial" / "micro").iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--methods", "magic"], "unknown method 'magic'; known are per-frame, copy"),
        (["--backbones", "vgg"], "unknown backbone 'vgg'; known are r50"),
        (["--intervals", "5,0"], "interval is 0; it must be 1 or more"),
        (["--data", "kitti:x"], "'kitti:x' is neither a data set"),
        (["--data", "folder:/nowhere"], "/nowhere does not exist"),
        (["--classes", "9"], "6 classes of its own, not 9"),
        (["--repeats", "0"], "repeats is 0"),
        (["--threads", "0"], "threads is 0"),
        (["--frames", "0"], "frames is 0"),
        (["--weights", "r50=x"], "r50 is not in this sweep"),
        (["--weights", "/nowhere.pth"], "/nowhere.pth is not a file"),
        (["--weights", "/" + "x" * 300], "xxx"),
        (["--data", "folder:/" + "x" * 300], "xxx"),
    ],
)
def test_what_is_refused(tmp_path, capsys, arguments, words):
    out = tmp_path / "run"
    assert main(["sweep", "--out", str(out), *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.startswith("mpvss-bench: error: ")
    assert error.count("\n") == 1
    assert not out.exists()


def test_a_checkpoint_that_does_not_fit_is_refused_before_anything_runs(tmp_path, capsys):
    checkpoint = tmp_path / "broken.safetensors"
    checkpoint.write_bytes(b"not a checkpoint")
    out = tmp_path / "run"
    assert main(["sweep", "--methods", "copy", *TINY, "--weights", str(checkpoint), "--out", str(out)]) == 2
    assert str(checkpoint) in capsys.readouterr().err
    assert not out.exists()


def test_a_video_without_labels_needs_its_number_of_classes(tmp_path, capsys):
    video = tmp_path / "clip.mp4"
    segment = ["segment", "generated:clips=1,frames=4,size=64x64", "--fps", "5", "--interval", "2"]
    assert main([*segment, "--out", str(video)]) == 0
    assert video.stat().st_size > 0
    assert "untrained" in capsys.readouterr().err
    sweep = ["sweep", "--methods", "copy", *TINY[2:], "--data", str(video), "--out", str(tmp_path / "run")]
    assert main(sweep) == 2
    assert "give the number of classes" in capsys.readouterr().err
    assert main([*sweep, "--classes", "5"]) == 0
    assert read_run(tmp_path / "run")["miou"].isna().all()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["configuration"]["data"].startswith("video:clip.mp4")


def test_segment_with_the_shipped_weights(tmp_path, capsys):
    video = tmp_path / "clip.mp4"
    segment = ["segment", "synthetic:clips=1,frames=2,size=64x96", "--weights", "shipped", "--out", str(video)]
    assert main(segment) == 0
    assert "untrained" not in capsys.readouterr().err
    assert open_dataset(str(video)).frame_rate == 15


def test_several_runs_need_a_place_for_their_report(tmp_path, capsys):
    assert main(["report", "a", "b"]) == 2
    assert "--out" in capsys.readouterr().err


def test_counted_costs_name_their_schema_and_are_read_by_reports(tmp_path):
    file = tmp_path / "cost-micro.json"
    cost = ["cost", "--methods", "per-frame", "--backbones", "micro", "--size", "64x64", "--json", str(file)]
    assert main(cost) == 0
    assert json.loads(file.read_text())["schema"] == schema_of(CostRecord)
    (cost_record,) = read_study([tmp_path]).costs
    (row,) = cost_record.rows
    assert (row.method, cost_record.height, row.paper_non_key_macs) == ("per-frame", 64, row.paper_key_macs)


def test_help_and_report_import_no_torch():
    program = "import sys; sys.modules['torch'] = None; from bench.cli.main import main; main(['--help'])"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    for command in ("sweep", "report", "segment", "cost"):
        assert f"\n    {command} " in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "bench.cli.main" in imported
    assert not imported & {"numpy", "pandas", "matplotlib", "fvcore"}


def test_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "report", "/nowhere"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "mpvss-bench: error: /nowhere does not exist\n"


def test_sigterm_keeps_what_is_done_and_is_status_143(tmp_path):
    out = tmp_path / "run"
    command = ["sweep", "--methods", "per-frame,copy,mpvss", "--data", "generated:clips=40,frames=4,size=64x64"]
    command += ["--intervals", "1,3", "--threads", "1", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", *command],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not list(out.glob("partial/*/*.npz")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.terminate()
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 143
    assert errors.splitlines()[-1] == "mpvss-bench: terminated; rerun the same command to resume"
    assert list(out.glob("partial/*/*.npz"))
    assert [file for file in out.rglob(".*") if file.is_file()] == []
