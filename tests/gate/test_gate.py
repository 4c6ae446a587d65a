"""The gate on counters: the committed baseline is of this code, and what is planted is caught."""

import copy
import json
from pathlib import Path

import msgspec
import pytest
import torch

from bench.cli.gate import BASELINE
from bench.cli.main import main
from bench.compare import NotComparableError
from bench.gate.baseline import compare_counters, read_baseline
from bench.measure.count.live_tensors import LiveTensors
from bench.measure.count.operator_counts import count_operators
from bench.measure.time.modes import Mode
from bench.methods import build
from bench.runs.records.baseline import Baseline
from mpvss.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def baseline():
    return read_baseline(ROOT / BASELINE)


def regressions(base, new):
    return {(f.method, f.quantity): f.verdict for f in compare_counters(base, new) if f.is_regression}


def test_the_committed_baseline_has_every_shipped_method(baseline):
    rows = {"copy", *(path.parent.name for path in ROOT.glob("bench/weights/micro/*/model.safetensors"))}
    assert set(baseline.methods) == rows
    assert regressions(baseline, copy.deepcopy(baseline)) == {}


@pytest.mark.parametrize(
    ("path", "value", "quantity"),
    [
        (("parameters",), 1, "parameters"),
        (("miou",), 0.1, "miou"),
        (("kinds", "key", "macs"), 10**12, "macs of key frames"),
        (("kinds", "non-key", "peak_bytes"), 10**12, "peak_bytes of non-key frames"),
        (("kinds", "non-key", "operators", "aten::mm"), 10**6, "operators of non-key frames"),
    ],
)
def test_a_counter_that_is_worse_is_found_alone(baseline, path, value, quantity):
    new = msgspec.to_builtins(baseline)
    at = new["methods"]["mpvss"]
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    assert regressions(baseline, msgspec.convert(new, Baseline)) == {("mpvss", quantity): "WORSE"}


def test_a_method_that_is_gone_is_broken_and_other_conditions_are_refused(baseline):
    new = msgspec.to_builtins(baseline)
    del new["methods"]["dff"]
    del new["methods"]["accel"]["kinds"]["non-key"]
    assert regressions(baseline, msgspec.convert(new, Baseline)) == {
        ("dff", "method"): "BROKEN",
        ("accel", "non-key frames"): "BROKEN",
    }
    new["conditions"]["weights"] = "others"
    with pytest.raises(NotComparableError, match=r"weights: \w+ against others.*--update"):
        compare_counters(baseline, msgspec.convert(new, Baseline))


def test_a_baseline_of_the_first_schema_is_read_and_a_damaged_one_named(baseline, tmp_path):
    old = msgspec.to_builtins(baseline)
    for counters_of in old["methods"].values():
        if "non-key" in counters_of["kinds"]:
            counters_of["kinds"]["other"] = counters_of["kinds"].pop("non-key")
    file = tmp_path / "baseline.json"
    file.write_text(json.dumps({**old, "schema": 1}))
    assert read_baseline(file) == baseline
    file.write_text('{"schema": 2}')
    with pytest.raises(UserError, match=r"baseline\.json does not fit: .*`conditions`.*--update"):
        read_baseline(file)


def test_an_operator_planted_into_the_model_is_counted(frames, monkeypatch):
    key, other = frames(64, 96)
    model = build("mpvss", backbone="nano", num_classes=5)
    before = count_operators(model, [key, other], Mode())
    warped = model.motion.forward
    monkeypatch.setattr(model.motion, "forward", lambda *given: warped(*given).cos())
    after = count_operators(model, [key, other], Mode())
    assert after["key"] == before["key"]
    assert after["non-key"] == {**before["non-key"], "aten::cos": before["non-key"].get("aten::cos", 0) + 1}


def test_the_most_that_tensors_hold_at_once():
    """Numbers of 4 bytes: 1000 are given, 1000 more are made and freed, then 500 and 250 are there together."""
    given = torch.ones(1000)
    with LiveTensors() as live:
        total = (given + 1).sum()
        first = given[:500] * 2
        second = first[:250] * float(total)
        second.view(5, 50).add_(1)
    assert live.peak == 4 * 1001
    with LiveTensors() as live:
        first = given[:500] * 2
        second = first[:250] * 3
    assert live.peak == 4 * 750


def test_command(tmp_path, monkeypatch, capsys, baseline):
    """What is measured is planted: the counters themselves are measured by `tox run -e gate`."""
    monkeypatch.setattr("bench.gate.run.measure_counters", lambda data: baseline)
    file = tmp_path / "baseline.json"
    assert main(["gate", "--baseline", str(file)]) == 2
    assert main(["gate", "--baseline", str(file), "--update"]) == 0
    assert json.loads(file.read_text()) == msgspec.to_builtins(baseline)
    assert main(["gate", "--baseline", str(file), "--markdown", str(tmp_path / "gate.md")]) == 0
    assert (tmp_path / "gate.md").read_text() in capsys.readouterr().out
    better = msgspec.to_builtins(baseline)
    better["methods"]["mpvss"]["miou"] += 0.1
    file.write_text(json.dumps(better))
    assert main(["gate", "--baseline", str(file)]) == 1
    better["conditions"]["torch"] = "1.0"
    file.write_text(json.dumps(better))
    assert main(["gate", "--baseline", str(file)]) == 3
    with pytest.raises(SystemExit, match="2"):
        main(["gate", "--bogus"])
