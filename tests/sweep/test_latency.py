"""`mpvss-bench latency` as a user runs it: figures with their scopes, a second start, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench.cli.main import main
from bench.data import write_video
from bench.report.tables.latency import latency_sheet, latency_table, quantile_notes, speed_table
from bench.runs.read import read_latency, read_run, read_run_record, read_samples

DATA = ["--data", "generated:clips=1,frames=6,size=32x32"]
QUICK = [
    "--backbones",
    "nano",
    "--intervals",
    "1,5",
    "--precision",
    "9",
    "--samples",
    "2",
    "--threads",
    "1",
    "--processes",
    "1",
]


def test_figures_samples_and_a_second_start(tmp_path, capsys):
    out = tmp_path / "run"
    command = ["latency", "--methods", "copy,mpvss", *QUICK, *DATA, "--scopes", "model,labels", "--out", str(out)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert printed == (out / "latency.md").read_text()
    head = " ".join(next(line for line in printed.splitlines() if line.startswith("|")).split())
    assert "FPS (model) | FPS (labels)" in " ".join(printed.split())
    # The shares of frames that miss 30 and 60 frames a second.
    assert head.endswith("| > 33.33 ms (%) | > 16.67 ms (%) |")
    table = read_run(out)
    assert list(zip(table["method"], table["interval"], strict=True)) == [
        (method, interval) for method in ("copy", "mpvss") for interval in (1, 5)
    ]
    samples = read_samples(out)
    counted = samples[~samples["warmup"]]
    assert set(counted.columns) >= {"backbone", "method", "scope", "kind", "round", "place", "frame", "seconds"}
    rows = read_latency(out)
    assert len(rows) == 2 * 2 * 2
    for row in rows.to_dict("records"):
        own = counted[
            (counted[["method", "scope", "kind"]] == [row[n] for n in ("method", "scope", "kind")]).all(axis=1)
        ]
        assert (len(own), own["seconds"].median() * 1000) == (row["samples"], pytest.approx(row["p50_ms"]))
        assert row["late_16.67ms"] == (own["seconds"] > 1 / 60).mean()
    about = read_run_record(out)
    assert {name: getattr(about.configuration, name) for name in ("threads", "amp", "compile", "scopes")} == {
        "threads": 1,
        "amp": None,
        "compile": False,
        "scopes": ["model", "labels"],
    }
    assert about.starts[0].environment.driver is None
    record = json.loads(next((out / "cells").glob("*mpvss*005.json")).read_text())
    assert not {"energy_key_j", "guard", "throttled_share", "compile_seconds"} & record["timing"].keys()

    before = {file.name: file.stat().st_mtime_ns for file in (out / "cells").iterdir()}
    assert main([*command, "--methods", "copy,mpvss,per-frame"]) == 0
    after = {file.name: file.stat().st_mtime_ns for file in (out / "cells").iterdir()}
    assert before.items() <= after.items()
    assert len(after) == 5
    assert main([*command, "--amp", "bfloat16"]) == 2
    assert "amp: None there, 'bfloat16' now" in capsys.readouterr().err


def test_the_papers_protocol_on_a_video(tmp_path, capsys):
    clip = tmp_path / "street.mp4"
    write_video(clip, (np.full((32, 32, 3), 9 * index, np.uint8) for index in range(15)), 12.5)
    out = tmp_path / "run"
    video = ["--data", f"video:{clip}", "--classes", "4", "--scopes", "video", "--protocol", "paper"]
    assert main(["latency", "--methods", "copy", "--backbones", "nano", *video, "--out", str(out)]) == 0
    counted = read_samples(out).query("not warmup")
    assert counted.groupby("round")["frame"].apply(list).tolist() == [list(range(15))] * 3
    assert counted.query("kind == 'key'")["frame"].tolist() == [0, 5, 10] * 3
    (row,) = read_run(out).query("interval == 5").to_dict("records")
    assert row["fps_video"] > 0
    assert read_run(out)["fps_labels"].isna().all()
    assert row["stopped"] == "rounds"
    # The video has 12.5 frames a second, so 80 ms a frame.
    assert {name for name in row if name.startswith("late_")} == {f"late_video_{t}ms" for t in ("33.33", "16.67", "80")}
    assert read_run_record(out).configuration.frame_rate == 12.5
    notes = latency_sheet(read_latency(out).to_dict("records"), frame_rate=12.5).notes
    assert "Deadlines: 33.33 ms (30 Hz), 16.67 ms (60 Hz), 80 ms (12.5 Hz, the data's frame rate)." in notes


def test_a_limit_that_building_passes_still_times_one_round_and_says_so(tmp_path, capsys):
    out = tmp_path / "run"
    limit = ["--intervals", "5", "--time-limit", "0.001", "--threads", "1", "--processes", "1"]
    assert main(["latency", "--methods", "copy", "--backbones", "nano", *limit, *DATA, "--out", str(out)]) == 0
    said = capsys.readouterr().err
    assert "building and warm-up alone passed the time limit, so one round was timed" in said
    (row,) = read_run(out).to_dict("records")
    assert (row["stopped"], row["rounds"], row["warmup_rounds"]) == ("time limit", 1, 1)
    assert row["before_seconds"] > 0.001
    assert len(read_samples(out).query("not warmup")) == 6


def test_several_sizes_have_a_run_each_and_a_curve(tmp_path, capsys):
    out = tmp_path / "sizes"
    command = ["latency", "--methods", "copy", *QUICK, *DATA, "--size", "32x48,64x96", "--out", str(out)]
    assert main(command) == 0
    printed, said = capsys.readouterr()
    assert printed == (out / "latency.md").read_text()
    assert "frames of 64x96 (height x width), 6 classes, data generated:clips=1,frames=6,size=64x96,seed=0\n" in said
    assert "| 32x48 (ms) | 64x96 (ms) |" in " ".join(printed.split())
    for height, width in ((32, 48), (64, 96)):
        run = out / f"{height}x{width}"
        assert read_latency(run)[["height", "width"]].to_numpy().tolist() == [[height, width]] * 2
        assert set(read_run(run)["height"]) == {height}
        assert f"frames of {height}x{width}" in (run / "latency.md").read_text()
    assert main(["compare", str(out / "32x48"), str(out / "64x96")]) == 3
    assert main([*command[:-1], str(out / "32x48")]) == 2
    assert "holds a run of one frame size" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scopes", "device"], "unknown scope 'device'; known are model, labels, video, throughput"),
        (["--batch", "2"], "batch 2 is of scope throughput"),
        (["--scopes", "video"], "scope video times decoding"),
        (["--deadline", "0"], "a deadline is 0.0 ms; it must be above 0"),
        (["--precision", "0"], "the precision is 0.0; it must be above 0"),
        (["--cuda-graphs"], "CUDA graphs need a CUDA device, not cpu"),
        (
            ["--protocol", "paper", "--samples", "9"],
            "precision, samples and time limit are of the precise protocol",
        ),
        (["--protocol", "paper", "--data", "generated:frames=7"], "has 7 frames; the paper's protocol needs 15"),
        (["--methods", "ground-truth-flow"], "unknown method 'ground-truth-flow'"),
        (["--threads", "0"], "threads is 0"),
        (["--size", ","], "no frame size is given"),
    ],
)
def test_what_is_refused(tmp_path, capsys, arguments, words):
    out = tmp_path / "run"
    assert main(["latency", "--out", str(out), *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_tables_leave_out_what_was_not_measured():
    cell = {"method": "copy", "backbone": "nano", "interval": 5, "fps_labels": 12.345, "late_labels_20ms": 0.25}
    assert speed_table([cell]).splitlines() == [
        "| Method   | Backbone   |   Interval |   FPS (labels) |   > 20 ms, labels (%) |",
        "|:---------|:-----------|-----------:|---------------:|----------------------:|",
        "| copy     | nano       |          5 |          12.35 |                  25.0 |",
    ]
    with_energy = speed_table([{**cell, "energy_key_j": 3.5, "device_peak_bytes": 2**30}]).splitlines()[0]
    assert with_energy.endswith("J, key frame |   Peak device memory (MiB) |")
    row = {"method": "copy", "backbone": "nano", "scope": "model", "kind": "key", "samples": 9, "p50_ms": 1.0}
    bounds = {"p50_low_ms": 0.5, "p50_high_ms": 1.25, "p90_ms": 2.0, "mean_ms": 1.5}
    entries = [text.strip() for text in latency_table([row | bounds]).splitlines()[-1].split("|")[5:-1]]
    # p90 is not printed without bounds.
    assert entries == ["9", "1.000", "0.500 to 1.250", "-", "-", "-", "-", "1.500"]
    assert quantile_notes([row | bounds])[-1].endswith("They take (p90 36, p99 368); the fewest here are 9.")
