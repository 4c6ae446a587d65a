"""The way from runs to a history's folder, its page and its values."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from made_points import hash_of
from made_records import ENVIRONMENT, asked, cell_record, configuration

from bench.cli.main import main
from bench.history import history
from bench.runs.record_file import read_record, write_record
from bench.runs.records.baseline import Baseline
from bench.runs.records.run import Start
from bench.runs.write import open_run
from mpvss.errors import UserError

KIND = {"scope": "labels", "kind": "key", "samples": 40, "mean_ms": 10.0, "p50_ms": 10.0}
SAMPLES = {"labels": {"round": [0, 1], "frame": [0, 0], "key": [True, True], "seconds": [0.01, 0.02]}}
"""Both halves differ, so that the warm-up alone says whether times had settled."""
TIMING = {"samples": SAMPLES, "warmup": {}, "warmup_stable": True}
GATE = Path(__file__).parents[2] / "results" / "ci-baseline.json"


def a_run(folder, index, ms=10.0, commit=None, stopping="rounds", **timing):
    environment = msgspec.structs.replace(
        ENVIRONMENT, commit=commit or hash_of(index), date=f"2026-01-{index + 1:02d}T00:00:00+00:00"
    )
    start = Start(command="mpvss-bench latency", environment=environment)
    run = open_run(folder, configuration(stopping=stopping), asked(["copy"], ["micro"], [1]), start)
    kinds = [{**KIND, "p50_ms": ms, "p50_low_ms": ms - 0.1, "p50_high_ms": ms + 0.1}]
    cost = {"parameters": 7, "key_macs": 100, "non_key_macs": 0, "mean_macs": 100}
    run.save(cell_record("micro", "copy", 1, cost=cost, timing={**TIMING, "kinds": kinds, **timing}))
    return folder


def test_runs_make_a_page_with_the_planted_step(tmp_path, capsys):
    wiggle = [0.05, -0.05, 0.0, 0.05, -0.05, 0.0]
    runs = [a_run(tmp_path / f"r{i}", i, ms=(10 if i < 4 else 12) + w) for i, w in enumerate(wiggle)]
    folder = tmp_path / "history"
    # In two goes, and not in their order.
    history(folder, [runs[5], *runs[:2]])
    assert main(["history", str(folder), *map(str, runs[2:5])]) == 0
    assert "6 commits, 5 values of each, 1 steps" in capsys.readouterr().out
    content = json.loads((folder / "history.json").read_text())
    assert content["commits"] == [hash_of(i) for i in range(6)]
    (time,) = (line for line in content["lines"] if line["low"])
    assert time["machine"] == "cpu, some, threads: 1"
    (step,) = time["steps"]
    assert (step["after"], step["commit"], step["verdict"]) == (hash_of(3), hash_of(4), "SLOWER")
    # Medians of 10.05, 9.95, 10, 10.05 and of 11.95, 12.
    assert (step["from"], step["to"]) == (pytest.approx(10.025), pytest.approx(11.975))
    page = (folder / "index.html").read_text()
    assert page.count("<svg") == 1
    assert page.count("<circle") == 6
    assert "4 counters have not changed" in page


def test_the_page_asks_for_nothing(tmp_path):
    history(tmp_path / "history", [a_run(tmp_path / "run", 0)])
    page = (tmp_path / "history" / "index.html").read_text()
    assert "default-src 'none'" in page
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["history.json"]
    assert not re.search(r"<script|@import|url\(|https?:", page)


def test_times_that_are_no_measurement_are_left_out(tmp_path):
    for name, fields in {"sweep": {"stopping": None}, "unsettled": {"warmup_stable": False}}.items():
        found = history(tmp_path / f"h-{name}", [a_run(tmp_path / name, 0, **fields)])
        assert found.lines
        assert not any(line.is_time for line in found.lines)


def test_a_file_of_the_gate_is_a_point_and_the_later_one_counts(tmp_path):
    counters = read_record(GATE, Baseline)
    file = tmp_path / "counters.json"
    for miou in (0.5, 0.6):
        changed = msgspec.to_builtins(counters)
        changed["methods"]["mpvss"]["miou"] = miou
        write_record(file, msgspec.convert(changed, Baseline))
        found = history(tmp_path / "history", [file], commit="abcdef0123456789")
    assert found.commits == ("abcdef012345",)
    assert len(list((tmp_path / "history" / "points").iterdir())) == 1
    values = {line.key: line.places[0].figure.value for line in found.lines}
    of_mpvss = {key.quantity: value for key, value in values.items() if key.method == "mpvss"}
    assert of_mpvss["mIoU"] == 0.6
    assert of_mpvss["parameters"] == counters.methods["mpvss"].parameters
    kinds = counters.methods["mpvss"].kinds
    assert of_mpvss["operators of a non-key frame"] == sum(kinds["non-key"].operators.values())


@pytest.mark.parametrize(
    ("commit", "words"),
    [("0a44fd94277f-dirty", "changes in no commit"), ("HEAD", "'HEAD' is no commit; give 7 to 40 digits")],
)
def test_what_is_of_no_commit_is_refused(tmp_path, commit, words):
    with pytest.raises(UserError, match=words):
        history(tmp_path / "history", [a_run(tmp_path / "run", 0, commit=commit)])
    assert not (tmp_path / "history").exists()


def test_an_empty_history_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="holds no history yet; name a run"):
        history(tmp_path)
