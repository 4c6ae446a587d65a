"""`mpvss-bench train`: configurations, and a run from beginning to end."""

import csv
import io
import json
import shlex
import sys

import numpy as np
import pytest
import torch
from safetensors import safe_open

from baselines.cffm import build_cffm
from baselines.flownets import FlowNetS
from baselines.mrcfa import build_mrcfa
from bench.cli.main import main
from bench.data import open_dataset
from bench.methods import build
from bench.methods.names import branches
from bench.methods.parts import Parts
from bench.methods.registry import build_method
from bench.runs.progress import Progress
from bench.train.data import Ahead, FrameCache, RandomAccessClip, training_clips
from bench.train.read_config import read_config
from bench.train.run import train
from bench.train.tables import preset_names
from bench.train.validation import end_point_error
from mpvss.checkpoints import load_checkpoint, read_configuration, save_checkpoint
from mpvss.errors import UserError

TINY = """
[model]
method = "{method}"
backbone = "nano"
{more}
[data]
train = "generated:clips=2,frames=4,size=64x64,seed=1"
validation = "generated:clips=1,frames=3,size=64x64,seed=2"
crop = [64, 64]
max_distance = 2
workers = {workers}

[training]
steps = {steps}
batch = 2
points = 32
log_every = 1
validate_every = 2
"""


@pytest.fixture
def config(tmp_path):
    """`config(method, more, ...)`: a tiny configuration's file."""

    def write(method="per-frame", more="", steps=2, workers=0, text=TINY):
        path = tmp_path / f"{method}.toml"
        path.write_text(text.format(method=method, more=more, steps=steps, workers=workers))
        return str(path)

    return write


def test_a_per_frame_run_then_propagation_from_it(config, tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    assert main(["train", config(), "--out", str(first)]) == 0
    assert "step 2: loss/class" in capsys.readouterr().err
    rows = list(csv.DictReader((first / "history.csv").open()))
    assert [row["step"] for row in rows] == ["1", "2"]
    assert rows[0]["miou"] == ""
    assert 0 <= float(rows[1]["miou"]) <= 1
    built = build_method("per-frame", backbone="nano", num_classes=6, weights=first / "model.safetensors")
    assert "untrained" not in built.weights
    model = built.module

    start = f'start = ["{first / "model.safetensors"}"]'
    assert main(["train", config("mpvss", start, workers=2), "--out", str(second)]) == 0
    built = build_method("mpvss", backbone="nano", num_classes=6, weights=second / "model.safetensors")
    assert "untrained" not in built.weights
    moved = built.module
    fresh = build("mpvss", backbone="nano", num_classes=6)
    for name, value in model.segmentor.state_dict().items():
        kept = not name.startswith(("query_decoder.mask_embed", "query_decoder.class_embed"))
        assert torch.equal(moved.segmentor.state_dict()[name], value) == kept, name
    changed = [
        not torch.equal(value, fresh.motion.state_dict()[name]) for name, value in moved.motion.state_dict().items()
    ]
    assert any(changed)


def test_pairs_from_stills_by_the_names_of_classes(config, tmp_path, capsys):
    names = open_dataset("generated").class_names
    stills = ["--set", "data.pairs=stills", "--set"]
    command = ["train", config("dff", steps=1), "--out", str(tmp_path), *stills]
    assert main([*command, 'data.moving=["lorry"]']) == 2
    assert f"data.moving names 'lorry'; the data's classes are {names[0]}, " in capsys.readouterr().err
    assert main([*command, f'data.moving=["{names[2]}"]']) == 0


@pytest.mark.parametrize("method", ["dff", "accel"])
def test_methods_that_are_trained_whole(method, config, tmp_path):
    assert main(["train", config(method, steps=1), "--out", str(tmp_path)]) == 0
    assert build(method, backbone="nano", num_classes=6, weights=tmp_path / "model.safetensors")


CLIPS = [f"--set=data.{part}=generated:clips=1,frames=11,size=64x64" for part in ("train", "validation")]


@pytest.mark.parametrize("backbone", ["segformer-nano", "pspnet-micro"])
def test_an_image_network_is_trained(backbone, config, tmp_path):
    command = ["train", config(steps=1), "--out", str(tmp_path), "--set", f"model.backbone={backbone}"]
    assert main(command) == 0
    file = tmp_path / "model.safetensors"
    built = build_method("per-frame", backbone=backbone, num_classes=6, weights=file)
    assert "untrained" not in built.weights
    fresh = build("per-frame", backbone=backbone, num_classes=6).state_dict()
    assert any(not torch.equal(value, fresh[name]) for name, value in built.module.state_dict().items())
    with safe_open(file, "pt") as tensors:
        saved = [name for name in tensors.keys() if "auxiliary_head" in name]  # noqa: SIM118
    assert bool(saved) == (backbone == "pspnet-micro")
    (row,) = csv.DictReader((tmp_path / "history.csv").open())
    assert ("loss/auxiliary" in row) == (backbone == "pspnet-micro")


def test_batch_norm_after_pooling_needs_two_examples(config, tmp_path, capsys):
    command = ["train", config(), "--out", str(tmp_path), "--set", "training.batch=1", "--set"]
    assert main([*command, "model.backbone=pspnet-micro"]) == 2
    assert "training.batch 1 is one example for each process; pspnet-micro pools" in capsys.readouterr().err
    assert main([*command, "model.backbone=segformer-nano"]) == 0


@pytest.mark.parametrize("method", ["cffm", "mrcfa"])
def test_a_clip_network_is_trained_from_segformer(method, config, tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    assert main(["train", config(steps=0), "--out", str(first), "--set", "model.backbone=segformer-nano"]) == 0
    start = f'start = ["{first / "model.safetensors"}"]'
    command = ["train", config(method, start, steps=1), "--out", str(second), "--set", "model.backbone=mit-nano"]
    assert main([*command, *CLIPS]) == 0
    said = capsys.readouterr().err
    assert f"from {first / 'model.safetensors'}: segmentor.backbone, segmentor.head" in said
    assert "step 1: loss/frames" in said
    file = second / "model.safetensors"
    assert read_configuration(file) == {
        "method": method,
        "backbone": "mit-nano",
        "key_backbone": "mit-nano",
        "num_classes": 6,
    }
    network = {"cffm": build_cffm, "mrcfa": build_mrcfa}[method]("mit-nano", 6)
    report = load_checkpoint(network, file)
    assert (report.missing, report.left_over) == ((), ())


def test_a_clip_network_needs_clips_of_ten_frames(config, tmp_path, capsys):
    command = ["train", config("cffm"), "--out", str(tmp_path / "out"), "--set", "model.backbone=mit-nano"]
    assert main(command) == 2
    assert "has no labelled frame with labels 9, 6 and 3 frames before it" in capsys.readouterr().err


def test_etc_trains_an_image_network_by_a_flow_network(config, tmp_path):
    """What it leaves is the image network's, as the row per-frame takes it."""
    parts = [str(tmp_path / name) for name in ("network", "flow")]
    assert main(["train", config(steps=0), "--out", parts[0], "--set", "model.backbone=pspnet-micro"]) == 0
    save_checkpoint(torch.nn.ModuleDict({"flow": Parts(1).flow("pspnet-micro")}), f"{parts[1]}.safetensors", {})
    more = f'start = ["{parts[0]}/model.safetensors"]\nflow_start = "{parts[1]}.safetensors"'
    command = ["train", config("etc", more, steps=1), "--out", str(tmp_path / "etc")]
    assert main([*command, "--set", "model.backbone=pspnet-micro"]) == 0
    file = tmp_path / "etc/model.safetensors"
    assert "untrained" not in build_method("per-frame", backbone="pspnet-micro", num_classes=6, weights=file).weights
    record = json.loads((tmp_path / "etc/training.json").read_text())
    assert list(record["start"]) == [f"{parts[0]}/model.safetensors", f"{parts[1]}.safetensors"]


SMALL_CLIPS = [f"--set=data.{part}=generated:clips=1,frames=10,size=64x64" for part in ("train", "validation")]


@pytest.fixture
def start(config, tmp_path):
    """`start(method, backbone)`: a checkpoint as training leaves it, of no step; of `flownets`, drawn."""

    def made(method, backbone):
        file = tmp_path / f"{method}-{backbone}"
        if method == "flownets":
            save_checkpoint(torch.nn.ModuleDict({"flow": Parts(1, seed=7).flow(backbone)}), file, {})
            return file
        command = ["train", config(method, steps=0), "--out", str(file), "--set", f"model.backbone={backbone}"]
        assert main(command) == 0
        return file / "model.safetensors"

    return made


VIDEO = {
    "netwarp": ("ocrnet-nano", ("per-frame", "ocrnet-nano"), ("flow", "flow_cnn", "mix_maps", "mix_features")),
    "tcb": ("ocrnet-nano", ("per-frame", "ocrnet-nano"), ()),
    "dff-original": ("r50-nano", ("deeplab", "r50-nano"), ("flow",)),
    "accel-original": ("r50-nano+r18-nano", ("deeplab", "r50-nano"), ("flow", "update", "fuse")),
    "dvsnet": ("r50-nano", ("dvsnet-segmentor", "r50-nano"), ("flow", "decision")),
}
"""Of each method: its backbone, where its segmentor comes from, and its other parts."""


@pytest.mark.parametrize("method", VIDEO)
def test_a_rival_is_trained_from_its_parts(method, config, start, tmp_path, capsys):
    backbone, segmentor, parts = VIDEO[method]
    files = [start(*segmentor)]
    more = ""
    if method == "netwarp":
        more = f'flow_start = "{start("flownets", "micro")}"\n'
    elif "flow" in parts:
        files.append(start("flownets", "micro"))
    more += f"start = {[str(file) for file in files]}\n"
    if "update" in parts:
        more += f'update_start = "{start("deeplab", "r18-nano")}"\n'
    out = tmp_path / "out"
    command = ["train", config(method, more, steps=1), "--out", str(out), "--set", f"model.backbone={backbone}"]
    capsys.readouterr()
    assert main([*command, *SMALL_CLIPS]) == 0
    said = capsys.readouterr().err
    assert f"from {files[0]}: segmentor." in said
    assert ("flow" in parts) == ("flownets-micro: flow." in said)
    # All else is randomly initialised: not a tensor of the segmentor, of the flow network or of the update branch.
    drawn = [line for line in said.splitlines() if line.startswith("from seed 0: ")]
    assert not any(part in line for line in drawn for part in ("segmentor.", "flow.encoder", "flow.predict", "update."))
    (row,) = csv.DictReader((out / "history.csv").open())
    assert 0 <= float(row["miou"]) <= 1
    of_frame, of_key_frame = branches(method, backbone)
    built = build_method(
        method, backbone=of_frame, key_backbone=of_key_frame, num_classes=6, weights=out / "model.safetensors"
    )
    assert "untrained" not in built.weights
    assert set(dict(built.module.named_children())) == {"segmentor", *parts}


def test_a_flow_network_is_trained_and_taken_up(config, tmp_path):
    """From flying shapes; its encoder is where MPVSS's motion module starts."""
    shapes = [
        f"--set=data.{part}=flying-shapes:pairs={pairs},seed={seed},size=64x64"
        for part, pairs, seed in (("train", 3, 1), ("validation", 2, 2))
    ]
    assert main(["train", config("flownets", steps=1), "--out", str(tmp_path / "flow"), *shapes]) == 0
    (row,) = csv.DictReader((tmp_path / "flow/history.csv").open())
    assert float(row["epe"]) > 0
    assert float(row["loss/flow"]) > 0
    file = tmp_path / "flow/model.safetensors"
    flow = build("optical-flow", backbone="nano", num_classes=6, weights=file).flow
    more = f'start = ["{file}"]'
    assert main(["train", config("mpvss", more, steps=0), "--out", str(tmp_path / "moved")]) == 0
    moved = build("mpvss", backbone="nano", num_classes=6, weights=tmp_path / "moved/model.safetensors")
    for name, value in flow.encoder.state_dict().items():
        assert torch.equal(moved.motion.encoder.state_dict()[name], value)


def test_the_record_of_a_run_that_was_stopped_and_goes_on(config, tmp_path, monkeypatch):
    out = tmp_path / "out"
    command = ["train", config(), "--out", str(out), "--set", "training.seed=5"]
    read = lambda: json.loads((out / "training.json").read_text())  # noqa: E731

    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["mpvss-bench", *command])
    with monkeypatch.context() as patch:
        patch.setattr("bench.train.run.save_checkpoint", stop)
        assert main(command) == 130
    assert len((out / "history.csv").read_text().splitlines()) == 3
    stopped = read()
    assert (stopped["steps_done"], stopped["finished"], stopped["earlier"]) == (2, False, [])
    assert shlex.split(stopped["command"]) == ["mpvss-bench", *command]
    assert (stopped["seed"], stopped["configuration"]["training"]["seed"]) == (5, 5)
    assert stopped["commit"] == stopped["environment"]["commit"]
    assert stopped["environment"]["libraries"]["torch"] == torch.__version__
    assert stopped["data"]["train"] == open_dataset("generated:clips=2,frames=4,size=64x64,seed=1").identity

    assert main(command) == 0
    ended = read()
    (before,) = ended["earlier"]
    assert (before["steps_done"], before["command"]) == (2, stopped["command"])
    assert (ended["steps_done"], ended["finished"]) == (2, True)
    assert main(command) == 0
    assert read() == ended  # nothing was trained, and nothing is claimed


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_checkpoint_is_set_aside_and_the_run_starts_anew(damage, config, tmp_path, capsys):
    command = ["train", config(), "--out", str(tmp_path / "out")]
    assert main(command) == 0
    whole = (tmp_path / "out/model.safetensors").read_bytes()
    content = (tmp_path / "out/checkpoint.pt").read_bytes()
    middle = len(content) // 2
    cut, flipped = content[:middle], content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    damaged = {"cut": cut, "flipped": flipped}[damage]
    (tmp_path / "out/checkpoint.pt").write_bytes(damaged)
    capsys.readouterr()
    assert main(command) == 0
    errors = capsys.readouterr().err
    assert "checkpoint.pt is damaged" in errors
    assert "it is checkpoint.damaged now, and the run starts anew" in errors
    assert (tmp_path / "out/checkpoint.damaged").read_bytes() == damaged
    assert (tmp_path / "out/model.safetensors").read_bytes() == whole


def test_another_checkpoint_or_a_file_in_the_folders_place_is_refused(config, tmp_path, capsys):
    command = ["train", config(), "--out", str(tmp_path / "out")]
    (tmp_path / "out").mkdir()
    torch.save({"model": {}}, tmp_path / "out/checkpoint.pt")
    assert main(command) == 2
    assert "checkpoint.pt is no checkpoint of a training run" in capsys.readouterr().err
    assert main([*command[:-1], config()]) == 2
    assert "cannot be made: File exists" in capsys.readouterr().err


def test_training_is_a_function_that_says_where_the_weights_lie(config, tmp_path):
    stream = io.StringIO()
    found = train(read_config(config(steps=3)), tmp_path / "out", torch.device("cpu"), Progress(stream))
    assert found.weights == tmp_path / "out/model.safetensors"
    assert found.weights.is_file()
    assert found.steps == 3
    rows = list(csv.DictReader((tmp_path / "out/history.csv").open()))
    assert found.validation == {"miou": float(rows[-1]["miou"])}
    assert "train: 3/3 steps" in stream.getvalue()


def test_end_point_error_by_arithmetic():
    """No flow where (3, 4) is true in half of the pixels and unknown in the others: 5 pixels off."""

    class Still(FlowNetS):
        def __init__(self):
            torch.nn.Module.__init__(self)

        def flow(self, frame, key_frame):
            return torch.zeros(1, 2, 8, 12)

    class Known:
        name, labelled = "known", (1,)

        def frame(self, index):
            return np.zeros((3, 60, 90), np.uint8), None

        def flow(self, index, key):
            flow = np.full((2, 60, 90), np.nan, np.float32)
            flow[0, :30], flow[1, :30] = 3, 4
            return flow, np.zeros((60, 90), bool)

    assert end_point_error(Still(), [Known()], 10, torch.device("cpu")) == {"epe": 5.0}


def test_no_steps_join_checkpoints_into_one(config, tmp_path):
    """The way to a whole optical-flow method from a segmentor and a flow network trained apart."""
    parts = tmp_path / "parts"
    assert main(["train", config(steps=0), "--out", str(parts)]) == 0
    more = f'start = ["{parts / "model.safetensors"}"]'
    assert main(["train", config("optical-flow", more, steps=0), "--out", str(tmp_path / "whole")]) == 0
    built = build_method("optical-flow", backbone="nano", num_classes=6, weights=tmp_path / "whole/model.safetensors")
    assert "untrained" not in built.weights


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("training.stepz=3", "training: key 'stepz' is not known; known are steps, batch"),
        ("trainning.steps=3", "section 'trainning' is not known; known are model, data, training"),
        ("training.steps=many", "training.steps is 'many'; it must be `int`, not `str`"),
        ("training.steps=-1", "steps -1 and seed 0 must be 0 or more"),
        ("training.precision=float8", "precision is 'float8'; it must be one of float32, bfloat16, float16"),
        ("training.steps=1.0", "training.steps is 1.0; it must be `int`, not `float`"),
        ("training.seed=true", "training.seed is True; it must be `int`, not `bool`"),
        ("data.flip=1", "data.flip is 1; it must be `bool`, not `int`"),
        ('data.crop=[64, "x"]', "data.crop[1] is 'x'; it must be `int`, not `str`"),
        ("model.start=a.pth", "model.start is 'a.pth'; it must be a list, not `str`"),
        ("training.batch=0", "training.batch is 0"),
        ("training.lr=0", "training: lr is 0.0; it must be a number above 0"),
        ("training.lr=nan", "training: lr is nan; it must be a number above 0"),
        ("training.clip_norm=inf", "training: clip_norm is inf; it must be a number above 0"),
        ("training.weight_decay=nan", "training: weight_decay is nan; it must be a number of 0 or more"),
        ("training.power=inf", "training: power is inf; it must be a number of 0 or more"),
        ("data.scale=[0.5, inf]", "scale is (0.5, inf)"),
        ("data.cache_gb=nan", "data.cache_gb is nan"),
        ("training.points=0", "points is 0"),
        ("data.crop=[1,2,3]", "data.crop is [1, 2, 3]; it must be a list of length 2, not 3"),
        ("data.scale=[2,1]", "scale is (2.0, 1.0)"),
        ("data.interval=0", "data.interval is 0"),
        ("model.method=copy", "model.method is 'copy', which is not trained here: it has no weights of its own"),
        ("model.method=netwarp", "model.backbone is 'nano'; it must be one of ocrnet-r18"),
        ("model.method=deeplab", "model.backbone is 'nano'; it must be one of r18, r34, r50, r101, r50-nano"),
        ("model.method=dvsnet-segmentor", "model.backbone is 'nano'; it must be one of r50, r101, r50-nano"),
        ("model.update_start=x", "model.update_start is for the update branch of accel-original, on KEY+OTHER"),
        ("model.method=fcn", "model.method is 'fcn'; it must be one of per-frame"),
        ("model.method=cffm", "model.backbone is 'nano'; it must be one of mit-b0"),
        ("model.backbone=mit-nano", "model.backbone is 'mit-nano'; it must be one of r50"),
        ("model.method=etc", "model.backbone is 'nano'; it must be one of fcn-r"),
        ("model.flow_start=x", "etc and netwarp warp by a trained flow network: name one in model.flow_start"),
        ("model.method=mpvss", "mpvss keeps its segmentor frozen: name a trained one in model.start"),
        ("model.backbone=r51", "model.backbone is 'r51'; it must be one of r50"),
        ('model.start=["gone.pth"]', "checkpoint gone.pth does not exist"),
        ('model.start=["imagenet"]', "model.start has imagenet, which is a lite0; model.backbone is 'nano'"),
        ("model.key_start=x", "model.key_start is for Accel's key branch"),
        ("data.pairs=frames", "data.pairs is 'frames'; it must be clips or stills"),
        ("data.pairs=stills", 'data.pairs = "stills" is for methods that propagate; per-frame does not'),
        ('data.moving=["car"]', 'data.moving is for data.pairs = "stills"'),
        ("steps=3", "write SECTION.KEY=VALUE"),
        ("data.train=camvid:gone", "gone is not CamVid"),
        ("data.validation=video:gone.mp4", "gone.mp4"),
        ("model.method=flownets", "has no ground-truth flow"),
    ],
)
def test_what_cannot_be_is_refused(change, message, config, tmp_path, capsys, without_shape_checks):
    assert main(["train", config(), "--out", str(tmp_path / "out"), "--set", change]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_what_is_refused_is_said_with_its_file(config):
    path = config(text=TINY.replace("batch = 2", "batches = 2"))
    with pytest.raises(UserError, match=rf"^{path}: training: key 'batches' is not known"):
        read_config(path)


def test_a_missing_key_or_section_is_named(config):
    path = config(text=TINY.replace("batch = 2", ""))
    with pytest.raises(UserError, match=rf"training\.batch is missing in {path}"):
        read_config(path)
    with pytest.raises(UserError, match=rf"section \[training\] is missing in {path}"):
        read_config(config(text=TINY.partition("[training]")[0]))


def test_a_change_of_a_section_that_is_no_table_is_refused(tmp_path):
    path = tmp_path / "flat.toml"
    path.write_text("model = 3\n")
    with pytest.raises(UserError, match=rf"change 'model\.method=mpvss': model is 3 in {path}; it must be a table"):
        read_config(str(path), ["model.method=mpvss"])
    with pytest.raises(UserError, match="model is 3; it must be a table"):
        read_config(str(path))


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, f'extends = "{"x" * 300}"'])
def test_text_that_no_reader_takes_is_refused(tmp_path, text):
    path = tmp_path / "odd.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=rf"^{path} (is not TOML|extends)"):
        read_config(str(path))


def test_an_unknown_preset_is_refused():
    with pytest.raises(ValueError, match="neither a file nor a preset; presets are paper-cityscapes, paper-vspw"):
        read_config("paper-camvid")


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_is_valid(preset, tmp_path):
    weights = tmp_path / "weights.pth"
    weights.touch()
    flow = [f"model.flow_start={weights}"] if preset in ("small-etc", "small-netwarp") else []
    read_config(preset, [f'model.start=["{weights}"]', *flow])


@pytest.mark.parametrize(("preset", "crop"), [("paper-vspw", (480, 480)), ("paper-cityscapes", (512, 1024))])
def test_papers_presets_hold_the_published_numbers(preset, crop, tmp_path):
    weights = tmp_path / "weights.pth"
    weights.touch()
    config = read_config(preset, [f'model.start=["{weights}"]'])
    assert (config.data.crop, config.data.scale, config.data.max_distance) == (crop, (0.5, 2.0), 10)
    loop = config.training.loop
    assert (loop.steps, config.training.batch, config.training.points) == (90_000, 16, 12_544)
    assert (loop.optimiser.lr, loop.optimiser.weight_decay, loop.optimiser.clip_norm) == (5e-5, 0.05, 0.01)


def test_streamed_clips_are_kept_up_to_the_capacity():
    dataset = open_dataset("generated:clips=3,frames=2,size=32x32")
    one_clip = 2 * 4 * 32 * 32  # frames of three channels and labels
    cache = FrameCache(2 * one_clip)
    reads = []
    clips = [RandomAccessClip(clip, cache) for clip in dataset.clips]
    for clip in (0, 1, 0, 2, 0, 1):
        before = set(cache._clips)
        clips[clip].frame(1)
        if f"clip{clip}" not in before:
            reads.append(clip)
    assert reads == [0, 1, 2, 1]  # 1 was used least lately when 2 came
    image, labels = clips[2].frame(1)
    expected = list(dataset.clips[2].frames())[1]
    assert np.array_equal(image, expected.image)
    assert np.array_equal(labels, expected.labels)


def test_data_without_labels_is_refused(tmp_path):
    (tmp_path / "frames").mkdir()
    from PIL import Image

    Image.new("RGB", (32, 32)).save(tmp_path / "frames/0.png")
    with pytest.raises(ValueError, match="has no labels, which training needs"):
        training_clips(open_dataset(f"folder:{tmp_path / 'frames'}"), with_flow=False, cache_gb=1.0)


@pytest.mark.parametrize("workers", [0, 3])
def test_values_ahead_come_in_order(workers):
    asked = []

    def make(step):
        asked.append(step)
        return step * step

    ahead = Ahead(make, workers, 9)
    assert [ahead(step) for step in range(2, 9)] == [step * step for step in range(2, 9)]
    ahead.close()
    assert sorted(asked) == list(range(2, 9))
