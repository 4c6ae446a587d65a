"""Rows of a sweep: several of one method, each with its weights, and the ceiling that is scored alone."""

from __future__ import annotations

import csv
import json
import shutil
import tomllib

import pytest
import torch
from harness_fakes import fake_cost
from safetensors.torch import load_file

from bench.cli.main import main
from bench.compare import compare
from bench.data import open_dataset
from bench.evaluate.lockstep import Cell, Lockstep
from bench.methods import shipped
from bench.methods.builder import registry_builder
from bench.methods.names import method_of
from bench.methods.parts import Parts
from bench.methods.registry import build_method
from bench.methods.setup import parse_weights
from bench.methods.weights import Weights
from bench.runs.read import read_run
from bench.train import ship
from mpvss.checkpoints import save_checkpoint
from mpvss.errors import UserError

SYNTHETIC = "synthetic:clips=2,frames=4,size=64x64"
TRAIN = """
[model]
method = "{method}"
backbone = "nano"
start = {start}
[data]
train = "synthetic:split=train,clips=2,frames=3,size=64x64"
validation = "synthetic:split=val,clips=1,frames=2,size=64x64"
crop = [64, 64]
max_distance = 2
[training]
steps = {steps}
batch = 1
points = 32
log_every = 1
"""


LONG = "data.train=synthetic:split=train,clips=1,frames=10,size=64x64"


def trained(folder, method="per-frame", steps=1, start=(), more=()):
    """A training run's folder; `more` are changes of its configuration."""
    config = folder.with_suffix(".toml")
    config.write_text(TRAIN.format(method=method, steps=steps, start=json.dumps([str(file) for file in start])))
    changes = [f"--set={change}" for change in more]
    assert main(["train", str(config), "--out", str(folder), *changes]) == 0
    return folder


@pytest.fixture(autouse=True)
def _quick_cost(monkeypatch):
    monkeypatch.setattr("bench.sweep.run_sweep.method_cost", lambda *args, **kwargs: fake_cost("", "", (1, 1), ()))


@pytest.fixture(scope="module")
def per_frame_run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "per-frame")


@pytest.fixture
def checkpoints(tmp_path):
    """Two optical-flow checkpoints: one segmentor, two flow networks. And one with another segmentor."""
    built = [build_method("optical-flow", backbone="nano", num_classes=12, seed=seed) for seed in (1, 2, 3)]
    models = [each.module for each in built]
    models[1].segmentor = models[0].segmentor
    files = [tmp_path / f"{name}.safetensors" for name in ("first", "second", "non-key")]
    for each, file in zip(built, files, strict=True):
        save_checkpoint(each.module, file, each.configuration)
    return files


def test_rows_of_one_method_share_what_is_equal_and_nothing_else(checkpoints):
    first, second, other = checkpoints
    rows = ("per-frame", "optical-flow@a", "optical-flow@b", "optical-flow@c")
    weights = Weights({"nano": first, "nano/optical-flow@b": second, "nano/optical-flow@c": other})
    build_rows = registry_builder(num_classes=12, device=torch.device("cpu"), execution="lean", seed=0, weights=weights)
    built = build_rows(rows, "nano")
    plain, a, b, c = (built.segmenters[row] for row in rows)
    assert plain.segmentor is a.segmentor is b.segmentor
    assert c.segmentor is not a.segmentor
    assert len({id(method.flow) for method in (a, b, c)}) == 3

    calls = []
    for segmentor in (a.segmentor, c.segmentor):
        segmentor.backbone.register_forward_hook(lambda module, *_: calls.append(module))
    frames = [torch.from_numpy(frame.image) for frame in open_dataset(SYNTHETIC).clips[0].frames()]
    lockstep = Lockstep(built.segmenters, [Cell(row, 1 if row == "per-frame" else 3) for row in rows], built.memo)
    for frame in frames:
        lockstep.step(frame)
    assert not lockstep.failed
    # per-frame on four frames; the key frames 0 and 3 of both rows with its segmentor are among them.
    assert [calls.count(s.backbone) for s in (a.segmentor, c.segmentor)] == [4, 2]

    # What is shared changes no result: each row is what it is when it is built alone.
    for row, method in zip(rows[1:], (a, b, c), strict=True):
        alone = build_rows([row], "nano").segmenters[row]
        with torch.inference_mode():
            scores = [one.propagate(frames[1], one.segment(frames[0])[1])[0].scores() for one in (method, alone)]
        assert torch.equal(*scores)


def test_labelled_rows_and_the_ceiling_from_sweep_to_comparison(checkpoints, tmp_path, capsys):
    first, second, _ = checkpoints
    rows = "per-frame@x,ground-truth-flow,optical-flow@a,optical-flow@b"
    sweep = [
        *("sweep", "--methods", rows, "--backbones", "nano", "--data", SYNTHETIC, "--intervals", "2,3"),
        *("--weights", f"nano={first}", "--weights", f"nano/optical-flow@b={second}", "--repeats", "1"),
    ]
    assert main([*sweep, "--out", str(tmp_path / "one")]) == 0
    table = read_run(tmp_path / "one")
    assert list(zip(table["method"], table["interval"], strict=True)) == [
        ("per-frame@x", 1),
        *((row, interval) for row in ("ground-truth-flow", "optical-flow@a", "optical-flow@b") for interval in (2, 3)),
    ]
    table = table.set_index(["method", "interval"])
    ceiling = json.loads((tmp_path / "one/cells/nano--ground-truth-flow--003.json").read_text())
    assert [ceiling[part] for part in ("cost", "timing", "memory", "errors")] == [None, None, None, {}]
    assert table["miou"].between(0, 1).all()
    assert table["parameters"].isna().tolist() == [row == "ground-truth-flow" for row, _ in table.index]
    a, b = (table.loc[(f"optical-flow@{label}", 3)] for label in "ab")
    assert a["non_key_macs"] == b["non_key_macs"] > 0
    assert "first" in a["weights"]
    assert "second" in b["weights"]
    assert main(["report", str(tmp_path / "one")]) == 0
    assert "| optical-flow@b " in (tmp_path / "one/report/report.md").read_text()
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    findings = compare(tmp_path / "one", tmp_path / "two", counts_only=True).findings
    counted = {finding.method for finding in findings if finding.quantity.startswith("miou")}
    assert counted == {"per-frame@x", "ground-truth-flow", "optical-flow@a", "optical-flow@b"}
    assert main([*sweep, "--out", str(tmp_path / "one")]) == 0
    assert "all cells are there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--methods", "copy,ground-truth-flow"], "ground-truth-flow needs ground-truth flow, which generated:"),
        (["--methods", "optical-flow@"], "'optical-flow@': a label is letters"),
        (["--methods", "optical-flow@a b"], "'optical-flow@a b': a label is letters"),
        (["--methods", "magic@a"], "unknown method 'magic'"),
        (["--methods", "copy@a", "--weights", "micro/copy@b=x"], "micro/copy@b is not in this sweep"),
        (["--methods", "mpvss", "--weights", "shipped"], "no weights are shipped for micro/mpvss; shipped are: none"),
    ],
)
def test_rows_that_cannot_be_are_refused(tmp_path, capsys, monkeypatch, arguments, words):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    assert main(["sweep", "--out", str(tmp_path / "run"), *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_trained_weights_are_shipped_and_loaded(per_frame_run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    run = per_frame_run
    assert main(["ship", str(run), "--row", "nano/per-frame", "--command", "mpvss-bench train x"]) == 0
    row = tmp_path / "weights/nano/per-frame"
    assert capsys.readouterr().out == f"{row}\n"
    assert sorted(file.name for file in row.iterdir()) == ["history.csv", "model.safetensors", "training.toml"]
    full, half = (load_file(folder / "model.safetensors") for folder in (run, row))
    for name, tensor in full.items():
        assert torch.equal(half[name], tensor.half() if tensor.is_floating_point() else tensor)
    account = tomllib.loads((row / "training.toml").read_text())
    assert (account["command"], account["seed"], account["steps"]) == ("mpvss-bench train x", 0, 1)
    assert {"commit", "validation", "training"} <= set(account)
    (last,) = csv.DictReader((run / "history.csv").open())
    assert account["validation"] == {name: float(value) for name, value in last.items()}
    assert "miou" in last
    assert account["data"]["train"] == "synthetic:split=train,clips=2,frames=3,size=64x64,seed=0"

    # Its own parts and nothing of the per-frame model: a run of no step joins files.
    joined = trained(tmp_path / "joined", "optical-flow", steps=0, start=[run / "model.safetensors"])
    assert main(["ship", str(joined), "--row", "nano/optical-flow@pre-trained"]) == 0
    account = tomllib.loads((tmp_path / "weights/nano/optical-flow@pre-trained/training.toml").read_text())
    assert list(account["start"]) == ["per-frame/model.safetensors"]
    assert str(tmp_path) not in account["model"].values()

    sweep = ["sweep", "--methods", "per-frame,copy,ground-truth-flow,optical-flow@pre-trained", "--backbones", "nano"]
    sweep += ["--data", SYNTHETIC, "--intervals", "2", "--repeats", "1", "--weights", "shipped"]
    assert main([*sweep, "--out", str(tmp_path / "run")]) == 0
    weights = read_run(tmp_path / "run").set_index("method")["weights"]
    assert (
        weights["per-frame"] == weights["copy"] == weights["ground-truth-flow"] != weights["optical-flow@pre-trained"]
    )
    assert not weights.str.contains("untrained").any()
    # More rows may be asked for, and only what is shipped; a file of one's own goes before.
    assert main([*sweep, "--methods", "per-frame,copy", "--out", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    assert main([*sweep, "--methods", "dff", "--out", str(tmp_path / "run")]) == 2
    assert "for nano/dff; shipped are: nano/optical-flow@pre-trained, nano/per-frame" in capsys.readouterr().err
    weights = Weights({"nano/dff": run / "model.safetensors"}, shipped=True)
    assert weights.file("dff", "nano") == run / "model.safetensors"
    assert weights.file("copy", "nano") == row / "model.safetensors"


def test_what_cannot_be_shipped(per_frame_run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    run = shutil.copytree(per_frame_run, tmp_path / "run")

    def refused(*arguments):
        assert main(["ship", *map(str, arguments)]) == 2
        assert not list(tmp_path.glob("weights/*/*"))
        return capsys.readouterr().err

    assert "has no training.json" in refused(tmp_path, "--row", "nano/per-frame")
    assert "is not BACKBONE/METHOD" in refused(run, "--row", "per-frame")
    assert "trained nano/per-frame; it cannot be the row micro/per-frame" in refused(run, "--row", "micro/per-frame")
    assert "a label is letters" in refused(run, "--row", "nano/per-frame@")
    with monkeypatch.context() as patch:
        patch.setattr(ship, "LIMIT", 1000)
        assert "together they may take 1000" in refused(run, "--row", "nano/per-frame")
    record = json.loads((run / "training.json").read_text())
    (run / "training.json").write_text(json.dumps({**record, "finished": False, "steps_done": 0}))
    assert "is not finished (0 of 1 steps)" in refused(run, "--row", "nano/per-frame")
    without_lr = {**record["configuration"]["training"], "lr": None}
    broken = {**record, "configuration": {**record["configuration"], "training": without_lr}}
    (run / "training.json").write_text(json.dumps(broken))
    assert "training.json is damaged (Object of type 'NoneType'" in refused(run, "--row", "nano/per-frame")
    (run / "training.json").write_text(json.dumps(record))
    (run / "history.csv").write_text("step,loss\n1,much\n")
    assert "history.csv is damaged (could not convert" in refused(run, "--row", "nano/per-frame")
    (run / "training.json").write_text("{")
    assert "training.json is damaged" in refused(run, "--row", "nano/per-frame")


def test_rivals_are_shipped_in_rows_of_their_own_networks(tmp_path, capsys, monkeypatch):
    """ETC trains an image network, which is swept per frame."""
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    flow = tmp_path / "flow.safetensors"
    save_checkpoint(torch.nn.ModuleDict({"flow": Parts(1).flow("pspnet-micro")}), flow, {})
    runs = {
        "segformer-nano/per-frame": trained(tmp_path / "segformer", steps=0, more=["model.backbone=segformer-nano"]),
        "pspnet-micro/per-frame@etc": trained(
            tmp_path / "etc",
            "etc",
            steps=0,
            more=["model.backbone=pspnet-micro", "training.batch=2", f"model.flow_start={flow}"],
        ),
        "mit-nano/cffm": trained(tmp_path / "cffm", "cffm", steps=0, more=["model.backbone=mit-nano", LONG]),
    }
    for row, run in runs.items():
        assert ship.ship(run, row) == tmp_path / "weights" / row
        backbone, _, name = row.partition("/")
        file = parse_weights(["shipped"], [name], [backbone]).file(name, backbone)
        assert "untrained" not in build_method(method_of(name), backbone=backbone, num_classes=12, weights=file).weights
    account = (tmp_path / "weights/pspnet-micro/per-frame@etc/training.toml").read_text()
    assert str(tmp_path) not in account.partition("[start]")[2]
    for run, row, words in (
        ("cffm", "mit-nano/mrcfa", "trained mit-nano/cffm; it cannot be the row mit-nano/mrcfa"),
        ("cffm", "micro/cffm", "cffm has no backbone 'micro'"),
        ("segformer", "segformer-nano/mpvss", "segformer-nano is swept as"),
        ("segformer", "segformer-x/per-frame", "unknown backbone 'segformer-x'"),
    ):
        assert main(["ship", str(tmp_path / run), "--row", row]) == 2
        assert words in capsys.readouterr().err


@pytest.mark.parametrize(("method", "backbone"), [("netwarp", "ocrnet-nano"), ("dvsnet", "r50-nano")])
def test_a_flow_network_that_is_frozen_is_shipped_once(method, backbone, tmp_path, monkeypatch):
    """Beside Mask2Former, for every row that has it; a row with another one is refused."""
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    flow = tmp_path / "weights" / shipped.FLOW_ROW / shipped.MODEL
    flow.parent.mkdir(parents=True)
    save_checkpoint(torch.nn.ModuleDict({"flow": Parts(1, seed=7).flow("micro")}), flow, {})

    def run(name, flow):
        segmentor = ("dvsnet-segmentor",) if method == "dvsnet" else ()
        more = [f"model.backbone={backbone}", "training.batch=2"]
        start = [trained(tmp_path / f"{name}-segmentor", *segmentor, steps=0, more=more) / "model.safetensors"]
        if method == "netwarp":
            more.append(f"model.flow_start={flow}")
        else:
            start.append(flow)
        return trained(tmp_path / name, method, steps=0, start=start, more=more)

    row, whole = f"{backbone}/{method}", run("run", flow) / "model.safetensors"
    file = ship.ship(whole.parent, row) / shipped.MODEL
    assert not any(name.startswith("flow.") for name in load_file(file))
    weights = parse_weights(["shipped"], [method], [backbone])
    built = build_method(
        method,
        backbone=backbone,
        num_classes=12,
        weights=weights.file(method, backbone),
        flow_weights=weights.flow_file(method, backbone),
    )
    assert "untrained" not in built.weights
    assert ", flow model.safetensors (sha256 " in built.weights
    for name, tensor in load_file(whole).items():
        torch.testing.assert_close(built.module.state_dict()[name], tensor, rtol=1e-3, atol=1e-6, msg=name)
    assert parse_weights(["shipped", f"{row}={whole}"], [method], [backbone]).flow_file(method, backbone) is None

    other = tmp_path / "other.safetensors"
    save_checkpoint(torch.nn.ModuleDict({"flow": Parts(1, seed=8).flow("micro")}), other, {})
    with pytest.raises(UserError, match=f"has another flow network than {shipped.FLOW_ROW}, which {row} is shipped"):
        ship.ship(run("another", other), row)


def test_shipping_removes_nothing_outside_the_shipped_weights(per_frame_run, tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "thesis.tex").touch()
    (tmp_path / "weights/nano").mkdir(parents=True)
    (tmp_path / "weights/nano/per-frame").symlink_to(elsewhere)
    with pytest.raises(UserError, match=f"row 'nano/per-frame' would be {elsewhere}, which is not a folder"):
        ship.ship(per_frame_run, "nano/per-frame")
    assert (elsewhere / "thesis.tex").is_file()
    (tmp_path / "weights/nano/per-frame").unlink()
    for _ in range(2):  # the second replaces the first
        row = ship.ship(per_frame_run, "nano/per-frame")
        assert not (row / "earlier").exists()
        (row / "earlier").touch()
    assert [path.name for path in row.parent.iterdir()] == ["per-frame"]


def test_a_label_is_part_of_the_row_alone():
    assert method_of("optical-flow") == method_of("optical-flow@fine-tuned_2.0") == "optical-flow"
