"""Launching: what is submitted, how long a job waits for its folder, and a sweep as jobs of this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.launch.jobs import MergeJob, SweepJob, patiently
from bench.launch.plan import plan
from bench.launch.submit import Resources, submit_to_slurm
from bench.runs.lease import HeldError
from mpvss.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = {"data": "generated", "shard": None, "only": None, "workers": 2, "command": "mpvss-bench sweep"}


def test_a_plan_has_every_part_once(tmp_path):
    made = plan(tmp_path / "run", 3, ARGUMENTS)
    parts = tmp_path / "run.parts"
    folders = [parts / f"shard-{number}-of-3" for number in (1, 2, 3)]
    assert [job.out for job in made.shards] == folders
    assert [job.arguments["shard"] for job in made.shards] == ["1/3", "2/3", "3/3"]
    alone = {"workers": 1, "only": ("cost", "timing"), "keep": ()}
    assert made.timing == SweepJob(parts / "timing", {**ARGUMENTS, **alone})
    assert made.merge == MergeJob((*folders, parts / "timing"), tmp_path / "run", "mpvss-bench sweep")


@pytest.mark.parametrize(
    ("shards", "arguments", "words"),
    [(0, {}, "shards is 0"), (2, {"shard": "1/2"}, "shard is given"), (2, {"only": ["cost"]}, "only is given")],
)
def test_plans_that_cannot_be_are_refused(shards, arguments, words, tmp_path):
    with pytest.raises(UserError, match=words):
        plan(tmp_path / "run", shards, {**ARGUMENTS, **arguments})


def test_resources_are_checked():
    with pytest.raises(UserError, match="minutes is 0; it must be 1 or more"):
        Resources(minutes=0)


def test_a_job_waits_for_a_folder_and_no_longer_than_told():
    waited: list[float] = []

    def work() -> str:
        if len(waited) < 3:
            raise HeldError("held")
        return "done"

    assert patiently(work, wait=waited.append) == "done"
    assert waited == [5.0] * 3
    waited.clear()
    with pytest.raises(HeldError):
        patiently(work, patience=10.0, wait=waited.append)
    assert waited == [5.0] * 2


def test_a_job_that_is_stopped_is_itself_the_rest():
    pytest.importorskip("submitit")
    job = SweepJob(Path("out"), ARGUMENTS)
    assert job.checkpoint().function == job


def test_slurm_that_is_not_there_is_named(tmp_path, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError, match="SLURM is not on this machine"):
        submit_to_slurm(plan(tmp_path / "run", 2, ARGUMENTS), Resources())


def test_options_of_launching_do_nothing_alone(tmp_path, capsys):
    for option in (["--shards", "2"], ["--partition", "gpu"], ["--sbatch", "account=a"]):
        assert main(["sweep", *option, "--out", str(tmp_path / "run")]) == 2
        assert f"{option[0]} belongs to --launch" in capsys.readouterr().err
    assert main(["sweep", "--launch", "slurm", "--sbatch", "account", "--out", str(tmp_path / "run")]) == 2
    assert "--sbatch account: it must be NAME=VALUE" in capsys.readouterr().err


@pytest.mark.slow
def test_jobs_of_this_machine_find_what_a_sweep_finds(tmp_path):
    pytest.importorskip("submitit")
    command = [sys.executable, "-m", "bench", "sweep", "--data", "generated:clips=3,frames=4,size=64x96"]
    command += ["--methods", "copy", "--intervals", "1,3", "--repeats", "1"]
    launched, whole = tmp_path / "run", tmp_path / "whole"
    subprocess.run([*command, "--launch", "local", "--shards", "2", "--out", str(launched)], cwd=ROOT, check=True)
    subprocess.run([*command, "--threads", "1", "--out", str(whole)], cwd=ROOT, check=True)
    for name in ("micro--copy--001.json", "micro--copy--003.json"):
        ours, theirs = (json.loads((run / "cells" / name).read_text()) for run in (launched, whole))
        for part in ("accuracy", "clips", "cost", "errors", "weights", "operators"):
            assert ours[part] == theirs[part]
        assert ours["timing"]["fps_labels"] > 0
    failing = [*command, "--launch", "local", "--backbones", "nothing", "--out", str(tmp_path / "failing")]
    done = subprocess.run(failing, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "a job failed, see" in done.stderr
    assert "Traceback" not in done.stderr
