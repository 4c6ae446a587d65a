"""A sweep as jobs of a real SLURM: requeued jobs go on, and the merged run is what an unshared sweep finds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import slurm
from slurm import Slurm, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(5400)]

ROOT = Path(__file__).resolve().parents[2]
OF_TIME = ("timing", "memory", "start")
PATIENCE = 1800


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    assert slurm.found(), "needs SLURM: apt-get install slurm-wlm munge"
    with slurm.running(tmp_path_factory.mktemp("slurm")) as running:
        running.environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        yield running


def arguments(clips: int) -> list[str]:
    data = f"generated:clips={clips},frames=20,size=128x192"
    return ["sweep", "--data", data, "--methods", "copy,mpvss", "--intervals", "1,4", "--repeats", "1"]


def run(cluster: Slurm, *command: str) -> str:
    """What a command of the project prints."""
    python = [sys.executable, "-m", "bench", *command]
    done = subprocess.run(python, cwd=ROOT, env=cluster.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def launch(cluster: Slurm, out: Path, clips: int, **options: int) -> dict[str, str]:
    """The numbers of the jobs of a sweep."""
    given = [text for name, value in options.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    said = run(cluster, *arguments(clips), "--launch", "slurm", "--partition", "all", *given, "--out", str(out))
    lines = (line.partition(": job ") for line in said.splitlines())
    return {name: number for name, _, number in lines}


def clips_done(shard: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in shard.glob("partial/*/*.npz")}


def cells(path: Path) -> dict[str, dict]:
    found = {}
    for file in (path / "cells").iterdir():
        record = json.loads(file.read_text())
        found[file.name] = {name: value for name, value in record.items() if name not in OF_TIME}
    return found


def wait_for_merge(cluster: Slurm, jobs: dict[str, str]) -> None:
    ended = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"}
    wait_until(lambda: cluster.state(jobs["merge"]) in ended, PATIENCE, "the merge")
    assert {name: cluster.state(number) for name, number in jobs.items()} == dict.fromkeys(jobs, "COMPLETED")


def check_equal_to_an_unshared_sweep(cluster: Slurm, out: Path, clips: int) -> None:
    whole = out.with_name("whole")
    run(cluster, *arguments(clips), "--threads", "1", "--out", str(whole))
    assert cells(out) == cells(whole)
    assert all("timing" in json.loads(file.read_text()) for file in (out / "cells").iterdir())


def test_an_array_survives_preemption_and_the_death_of_its_node(cluster, tmp_path):
    clips, out = 12, tmp_path / "run"
    jobs = launch(cluster, out, clips, shards=3, time_limit=10, signal_delay=30)
    first, second = (tmp_path / "run.parts" / f"shard-{number}-of-3" for number in (1, 2))

    wait_until(lambda: len(clips_done(first)) >= 1, PATIENCE, "a clip of the first shard")
    before = clips_done(first)
    cluster.ask("scancel", "--signal=USR2", f"{jobs['shards']}_0")
    wait_until(lambda: cluster.restarts(f"{jobs['shards']}_0") == 1, 60, "the first shard's requeue")

    wait_until(lambda: len(clips_done(second)) >= 1, PATIENCE, "a clip of the second shard")
    before_in_second = clips_done(second)
    assert cluster.state(f"{jobs['shards']}_1") == "RUNNING"
    cluster.kill_node()
    wait_until(lambda: cluster.restarts(f"{jobs['shards']}_1") == 1, 60, "the second shard's requeue")
    cluster.start_node()

    wait_for_merge(cluster, jobs)
    # What had been done was not done again.
    assert before.items() <= clips_done(first).items()
    assert before_in_second.items() <= clips_done(second).items()
    check_equal_to_an_unshared_sweep(cluster, out, clips)


def test_a_job_that_is_out_of_time_goes_on(cluster, tmp_path):
    """The limit is told between 30 and 90 s after the start: SLURM looks at it once a minute."""
    clips, out = 300, tmp_path / "run"
    jobs = launch(cluster, out, clips, shards=1, time_limit=2, signal_delay=30)
    wait_until(lambda: cluster.restarts(jobs["shards"]) >= 1, PATIENCE, "the time limit")
    before = clips_done(tmp_path / "run.parts" / "shard-1-of-1")
    assert before
    wait_for_merge(cluster, jobs)
    assert before.items() <= clips_done(tmp_path / "run.parts" / "shard-1-of-1").items()
    check_equal_to_an_unshared_sweep(cluster, out, clips)


def test_a_sweep_that_is_launched_again_has_nothing_to_do(cluster, tmp_path):
    out = tmp_path / "run"
    wait_for_merge(cluster, launch(cluster, out, 2, shards=2))
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "run.parts").glob("*/cells/*")}
    wait_for_merge(cluster, launch(cluster, out, 2, shards=2))
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "run.parts").glob("*/cells/*")} == before
