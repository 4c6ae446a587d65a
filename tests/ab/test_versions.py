"""Two versions measured in turn, as a user does it: pairs of processes, the order of turns, and what is refused."""

import shutil
from pathlib import Path

import pytest

from bench.ab.environments import PRESENT
from bench.cli.main import main
from bench.runs.read import read_cells, read_samples

TINY = ["--methods", "copy", "--backbones", "nano", "--data", "generated:clips=1,frames=6,size=32x32", "--threads", "1"]


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A folder with the code at hand."""
    folder = tmp_path_factory.mktemp("version") / "copy"
    folder.mkdir()
    for name in ("mpvss", "baselines", "bench"):
        shutil.copytree(PRESENT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "weights"))
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(PRESENT / name, folder)
    return folder


def test_pairs_of_processes_take_turns_and_are_kept(copied, tmp_path, capsys):
    out = tmp_path / "out"
    options = [*TINY, "--intervals", "5", "--pairs", "2", "--rounds", "2", "--out", str(out)]
    assert main(["compare", "--ab", str(PRESENT), str(copied), *options, "--all"]) in (0, 1)
    shown = capsys.readouterr()
    assert f"{copied} against {PRESENT}, 2 pairs of processes:" in shown.out
    assert "2 processes a side, and a verdict takes 5" in shown.out
    assert f"{copied} runs in the present environment" in shown.err
    timings = [cell.timing for side in ("base", "new") for cell in read_cells(out / side)]
    assert len({timing.sitting for timing in timings}) == 1
    assert timings[0].sitting
    for side in ("base", "new"):
        counted = read_samples(out / side).query("not warmup")
        passes = counted.groupby("process")["round"].unique().map(list).to_dict()
        assert passes == {0: [0, 1], 1: [0, 1]}
    assert main(["compare", str(out / "base"), str(out / "new")]) in (0, 1)
    assert main(["compare", "--ab", str(PRESENT), str(copied), *options]) == 2
    assert "holds something; two versions are timed in one sitting" in capsys.readouterr().err


def test_a_version_that_cannot_be_measured_is_named_and_skipped_in_a_bisection(copied, tmp_path, capfd):
    broken = tmp_path / "broken"
    shutil.copytree(copied, broken)
    (broken / "bench" / "sweep" / "worker.py").write_text("raise SystemExit('no worker')\n")
    command = ["compare", "--ab", str(PRESENT), str(broken), *TINY, "--pairs", "1", "--rounds", "1"]
    assert main(command) == 3
    assert f"{broken} cannot be measured" in capfd.readouterr().err
    assert main([*command, "--bisect"]) == 125


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--ab", "nowhere", "."], "'nowhere' is neither a revision"),
        (["--ab", str(PRESENT), str(PRESENT), "--pairs", "0"], "pairs is 0; it must be 1 or more"),
        (["--ab", str(PRESENT), str(PRESENT), "--rounds", "0"], "rounds is 0; it must be 1 or more"),
        (["--ab", str(PRESENT), str(PRESENT), "--methods", "nothing"], "unknown method 'nothing'"),
        (["a", "b", "--methods", "copy", "--pairs", "3"], "--pairs, --methods: only with --ab"),
    ],
)
def test_what_is_refused(arguments, words, capsys, monkeypatch):
    monkeypatch.chdir(Path(PRESENT))
    assert main(["compare", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert main(["compare", *arguments, "--bisect"]) == 128
