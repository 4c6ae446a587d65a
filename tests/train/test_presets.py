"""What presets share, and where the methods that they train start from."""

import pytest
import torch
from msgspec.structs import replace

from baselines.accel import Accel
from bench.methods import build
from bench.methods.parts import Parts
from bench.methods.registry import build_method
from bench.train.configuration import ModelConfig
from bench.train.model import make_model
from bench.train.read_config import read_config
from bench.train.tables import read_tables
from mpvss.checkpoints import save_checkpoint
from mpvss.presets import FLOW_DESIGNS

CLASSES = 3
FINE_TUNED = (*FLOW_DESIGNS, "optical-flow", "dff", "accel")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Checkpoints that differ from what any method is drawn as: `per-frame`s of both backbones, and a FlowNetS."""
    folder = tmp_path_factory.mktemp("trained")
    files = {}
    for backbone in ("micro", "nano"):
        built = build_method("per-frame", backbone=backbone, num_classes=CLASSES, seed=7)
        files[backbone] = folder / f"{backbone}.safetensors"
        save_checkpoint(built.module, files[backbone], built.configuration)
    files["flownets"] = folder / "flownets.safetensors"
    flow = torch.nn.ModuleDict({"flow": Parts(1, seed=7).flow("micro")})
    save_checkpoint(flow, files["flownets"], {"method": "flownets"})
    return {name: str(file) for name, file in files.items()}


@pytest.mark.parametrize("method", FINE_TUNED)
def test_fine_tuned_presets_differ_in_the_method_alone(method, trained):
    """So what a table compares was trained on the same pairs, for as long, from the same weights."""
    start = [f"model.start=['{trained['micro']}']"]
    config, mpvss = read_config(f"small-{method}", start), read_config("small-mpvss", start)
    assert config.model.method == method
    assert replace(config, model=mpvss.model) == mpvss
    pretrained = read_config("small-optical-flow-pretrained", start)
    assert (pretrained.model.method, pretrained.training.steps) == ("optical-flow", 0)


@pytest.mark.parametrize("method", FINE_TUNED)
def test_trained_parts_arrive_where_a_method_starts(method, trained):
    accel = method == "accel"
    config = ModelConfig(
        method,
        "micro",
        start=(trained["nano" if accel else "micro"], trained["flownets"]),
        key_start=trained["micro"] if accel else "",
    )
    said = []
    model, _ = make_model(config, CLASSES, 0, said.append)

    def expect(part, expected):
        for name, value in expected.state_dict().items():
            assert torch.equal(part.state_dict()[name], value), name

    micro = build("per-frame", backbone="micro", num_classes=CLASSES, seed=7).segmentor
    flow = Parts(1, seed=7).flow("micro")
    if isinstance(model, Accel):
        expect(model.key_segmentor, micro)
        expect(model.segmentor, build("per-frame", backbone="nano", num_classes=CLASSES, seed=7).segmentor)
    else:
        expect(model.segmentor, micro)
    if method in FLOW_DESIGNS:
        expect(model.motion.encoder, flow.encoder)
        drawn = build(method, backbone="micro", num_classes=CLASSES)
        expect(model.motion.decoder, drawn.motion.decoder)
        assert said[1] == f"from {trained['flownets']}: motion.encoder"
        assert said[2].startswith("from seed 0: motion.decoder, ")
    else:
        expect(model.flow, flow)


def test_a_class_head_of_other_classes_is_drawn_anew_where_that_is_asked_for(trained):
    config = ModelConfig("per-frame", "micro", start=(trained["micro"],))
    with pytest.raises(ValueError, match="made for 3 classes, the module for 5"):
        make_model(config, 5, 0)
    said = []
    model, _ = make_model(replace(config, start_classes="fresh"), 5, 0, said.append)
    source = build("per-frame", backbone="micro", num_classes=CLASSES, seed=7).state_dict()
    drawn = build("per-frame", backbone="micro", num_classes=5).state_dict()
    for name, value in model.state_dict().items():
        assert torch.equal(value, (drawn if "class_embed" in name else source)[name]), name
    assert "from seed 0: segmentor.query_decoder.class_embed" in said
    kept, _ = make_model(replace(config, start_classes="fresh"), CLASSES, 0)
    assert all(torch.equal(value, source[name]) for name, value in kept.state_dict().items())
    with pytest.raises(ValueError, match=r"model\.start_classes is 'new'; it must be same or fresh"):
        replace(config, start_classes="new")


def test_a_file_extends_a_preset_or_its_neighbour(tmp_path):
    (tmp_path / "first.toml").write_text("extends = 'small-per-frame'\n[training]\nsteps = 7\nseed = 1\n")
    (tmp_path / "second.toml").write_text("extends = 'first.toml'\n[training]\nsteps = 8\n")
    config = read_config(str(tmp_path / "second.toml"), ["training.batch=3"])
    preset = read_config("small-per-frame")
    assert config == replace(preset, training=replace(preset.training, steps=8, seed=1, batch=3))


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("extends = 'gone'", "extends 'gone', neither a file beside it nor a preset; presets are paper-cityscapes"),
        ("extends = 3", "extends 3, neither a file"),
        ("extends = 'first.toml'", "a configuration cannot extend itself"),
        ("extends = 'second.toml'", r"first.toml extends .*second.toml extends .*first.toml: a configuration cannot"),
        ("extends = 'small-per-frame'\ntraining = 3", "training is 3; it must be a table"),
    ],
)
def test_what_cannot_be_extended_is_refused(first, message, tmp_path):
    (tmp_path / "first.toml").write_text(first)
    (tmp_path / "second.toml").write_text("extends = 'first.toml'")
    with pytest.raises(ValueError, match=message):
        read_config(str(tmp_path / "first.toml"))


def test_set_changes_what_is_extended():
    _, tables = read_tables("small-mpvss-query-learned", ["training.lr=1"])
    assert (tables["model"]["method"], tables["training"]["lr"]) == ("mpvss-query-learned", 1)


@pytest.mark.parametrize(
    ("preset", "backbone"),
    [("small-segformer", "segformer-micro"), ("small-pspnet", "pspnet-micro"), ("small-ocrnet", "ocrnet-nano")],
)
def test_image_networks_are_trained_on_the_crops_of_per_frame_for_as_long(preset, backbone):
    config, per_frame = read_config(preset), read_config("small-per-frame")
    assert config.model == replace(per_frame.model, backbone=backbone)
    assert config.data == per_frame.data
    schedule = {"weight_decay": 0.05, "power": 0.9}
    assert replace(config.training, **schedule) == replace(per_frame.training, **schedule)


@pytest.mark.parametrize("preset", ["small-deeplab", "small-dvsnet-segmentor"])
def test_segmentors_of_rivals_are_trained_as_image_networks_are(preset):
    config, per_frame = read_config(preset), read_config("small-per-frame")
    assert config == replace(per_frame, model=config.model)
    assert config.model.backbone == "r50-nano"


@pytest.mark.parametrize("method", ["dff-original", "accel-original", "dvsnet"])
def test_rivals_that_propagate_are_trained_on_the_pairs_of_mpvss(method, trained):
    start = [f"model.start=['{trained['micro']}']"]
    config, mpvss = read_config(f"small-{method}", start), read_config("small-mpvss", start)
    assert config.model.method == method
    assert replace(config, model=mpvss.model) == mpvss


@pytest.mark.parametrize("method", ["cffm", "mrcfa", "etc", "netwarp", "tcb"])
def test_video_methods_see_as_many_frames_as_mpvss_for_as_long(method, trained):
    start = [f"model.start=['{trained['micro']}']"]
    more = [f"model.flow_start={trained['flownets']}"] if method in ("etc", "netwarp") else []
    config, mpvss = read_config(f"small-{method}", start + more), read_config("small-mpvss", start)
    assert (config.model.method, config.data) == (method, mpvss.data)
    frames = 2 if method in ("etc", "netwarp") else 4
    assert config.training.batch * frames == mpvss.training.batch * 2
    for name in ("steps", "lr", "clip_norm", "seed"):
        assert getattr(config.training, name) == getattr(mpvss.training, name), name
