"""Parts of a sweep, merged: what an unshared sweep finds; and parts that do not belong together."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import fake_workers
import pytest
from fake_sweep import sweep
from harness_fakes import Network, Wandering

from bench.cli.main import main
from bench.evaluate.memo import Memo
from bench.methods.builder import Built
from bench.runs.read import read_cells, read_run_record
from bench.runs.write import Run
from bench.sweep import merge_parts
from bench.sweep.shard import Shard
from mpvss.errors import UserError

METHODS = ("per-frame", "wander")
OF_TIME = ("timing", "memory", "start")
"""What two runs of one sweep differ in."""


def score(folder: Path, number: int, count: int = 3, methods=METHODS, **options) -> Path:
    """Part `number` of the stand-in data."""
    shard = Shard(number, count)
    sweep(folder, methods, fake_workers.data(), shard=shard, only=("accuracy",), **options)
    return folder


def cells(run: Path) -> dict[str, dict]:
    found = {}
    for file in (run / "cells").iterdir():
        record = json.loads(file.read_text())
        found[file.name] = {name: value for name, value in record.items() if name not in OF_TIME}
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The three parts, a run of cost and timing, and the sweep that was not shared."""
    folder = tmp_path_factory.mktemp("parts")
    for number in (1, 2, 3):
        score(folder / str(number), number)
    sweep(folder / "timing", METHODS, fake_workers.data(), only=("cost", "timing"))
    sweep(folder / "whole", METHODS, fake_workers.data())
    return folder


@pytest.fixture
def parts(made, tmp_path):
    """Copies, to be damaged."""
    shutil.copytree(made, tmp_path / "parts")
    return tmp_path / "parts"


@pytest.mark.parametrize("order", [("1", "2", "3", "timing"), ("timing", "3", "1", "2")])
def test_merged_parts_are_the_whole(made, tmp_path, order):
    outcome = merge_parts([made / name for name in order], tmp_path / "run")
    assert outcome.failed == ()
    assert cells(tmp_path / "run") == cells(made / "whole")
    assert sorted(file.name for file in (tmp_path / "run").iterdir() if file.name != ".lease") == ["cells", "run.json"]
    assert read_run_record(tmp_path / "run").configuration == read_run_record(made / "whole").configuration
    timed = {record.key: record.timing for record in read_cells(made / "timing")}
    assert {record.key: record.timing for record in read_cells(tmp_path / "run")} == timed


def test_merging_again_changes_nothing(made, tmp_path, capsys):
    command = ["merge", *(str(made / name) for name in "132"), "--out", str(tmp_path)]
    assert main(command) == 0
    assert "| wander" in capsys.readouterr().out
    before, starts = cells(tmp_path), read_run_record(tmp_path).starts
    assert main(command) == 0
    assert cells(tmp_path) == before
    assert read_run_record(tmp_path).starts[:-1] == starts
    assert all("cost" not in cell or cell["cost"] is None for cell in before.values())


def test_what_is_not_timed_is_measured_by_the_sweep_itself(made, tmp_path):
    """Without a part of cost and timing, the command that was not shared goes on from the merged run."""
    merge_parts([made / name for name in "123"], tmp_path)
    sweep(tmp_path, METHODS, fake_workers.data())
    assert cells(tmp_path) == cells(made / "whole")


def test_a_method_that_failed_in_a_part_fails(made, tmp_path):
    def build(methods, backbone):
        network = Network(memo := Memo())

        def propagate(frame, state):
            raise RuntimeError("not here")

        segmenters = {method: Wandering(network) for method in methods}
        segmenters["wander"].propagate = propagate
        return Built(segmenters, dict.fromkeys(methods, "untrained"), memo=memo)

    failing = score(tmp_path / "2", 2, build=build)
    outcome = merge_parts([made / "1", failing, made / "3", made / "timing"], tmp_path / "run")
    assert {(key.method, key.interval) for key in outcome.failed} == {("wander", 1), ("wander", 3)}
    for record in read_cells(tmp_path / "run"):
        assert record.errors == ({"accuracy": "RuntimeError: not here"} if record.method == "wander" else {})
        assert record.timing is not None
        assert (record.accuracy is None) == (record.method == "wander")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("1", "3", "timing"), "part 2/3 is missing"),
        (("3",), "part 1/3, 2/3 is missing"),
        (("1", "2", "2", "3"), "2 is given 2 times"),
        (("timing",), "none of the folders is a part"),
        (("1", "2", "3", "whole"), "whole holds accuracy over all clips"),
        (("1", "2", "3", "nowhere"), "nowhere is not a results folder"),
    ],
)
def test_parts_that_are_missing_or_doubled_are_named(made, tmp_path, names, words):
    with pytest.raises(UserError, match=words):
        merge_parts([made / name for name in names], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_two_folders_of_one_part_are_named(parts):
    shutil.copytree(parts / "2", parts / "copy")
    with pytest.raises(UserError, match=r"2 and \S+copy are both part 2/3"):
        merge_parts([parts / name for name in ("1", "2", "copy", "3")], parts / "run")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"configured": {"seed": 7}}, r"different sweeps \(seed: 0 and 7\)"),
        ({"methods": ("wander",)}, r"different sweeps \(methods: \['per-frame', 'wander'\] and \['wander'\]\)"),
        ({"intervals": (1, 2)}, r"different sweeps \(intervals: \[1, 3\] and \[1, 2\]\)"),
        ({"count": 4}, r"1 \(part 1/3\) and \S+other \(part 2/4\) are of different divisions"),
    ],
)
def test_parts_of_other_sweeps_are_refused(made, tmp_path, options, words):
    other = score(tmp_path / "other", 2, **options)
    with pytest.raises(UserError, match=words):
        merge_parts([made / "1", other, made / "3"], tmp_path / "run")


def test_timing_of_other_machines_is_not_mixed(made, tmp_path):
    for number, backbone in enumerate(("small", "large")):
        configured = {"cpu": f"cpu {number}"}
        sweep(
            tmp_path / backbone,
            METHODS,
            fake_workers.data(),
            only=("cost", "timing"),
            backbones=(backbone,),
            configured=configured,
        )
    shards = [made / name for name in "123"]
    with pytest.raises(UserError, match=r"different sweeps \(cpu: 'cpu 0' and 'cpu 1'\)"):
        merge_parts([*shards, tmp_path / "small", tmp_path / "large"], tmp_path / "run")
    merge_parts([*shards, tmp_path / "small"], tmp_path / "run")
    assert read_run_record(tmp_path / "run").configuration.cpu == "cpu 0"


def test_shards_of_other_machines_are_told_of(made, tmp_path, capsys):
    other = score(tmp_path / "other", 2, configured={"cpu": "another"})
    merge_parts([made / "1", other, made / "3"], tmp_path / "run")
    assert "the shards ran with different cpu: None, another" in capsys.readouterr().err


def test_an_unfinished_part_is_named(made, parts, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "save", stop)
        for cell in (parts / "2" / "cells").glob("large--wander*"):
            cell.unlink()
        with pytest.raises(KeyboardInterrupt):
            score(parts / "2", 2)
    with pytest.raises(UserError, match=r"2 \(part 2/3\) is not finished; rerun its command"):
        merge_parts([parts / name for name in "123"], parts / "run")
    score(parts / "2", 2)
    merge_parts([parts / name for name in "123"], parts / "run")
    assert {name: cell["clips"] for name, cell in cells(parts / "run").items()} == {
        name: cell["clips"] for name, cell in cells(made / "whole").items()
    }


def test_a_part_that_lost_a_cell_is_named(parts):
    next((parts / "2" / "cells").glob("large--wander--003*")).unlink()
    with pytest.raises(UserError, match=r"\(part 2/3\) lacks wander with large at interval 3, which another has"):
        merge_parts([parts / name for name in "123"], parts / "run")


def test_a_damaged_clip_is_named(parts):
    file = next((parts / "2" / "partial" / "small").iterdir())
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(UserError, match=rf"{file} is damaged \(BadZipFile"):
        merge_parts([parts / name for name in "123"], parts / "run")


def test_a_part_is_not_written_into(made):
    with pytest.raises(UserError, match="1 is one of the parts"):
        merge_parts([made / name for name in "123"], made / "1")
