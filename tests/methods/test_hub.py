"""Weights from a cache laid out as the hub's, with no network."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch

from baselines.segformer import presets
from baselines.segformer.presets import MiT
from bench.cli.main import main
from bench.methods.hub import fetch
from bench.methods.registry import build_method
from bench.methods.setup import parse_weights
from mpvss.errors import UserError
from mpvss.presets import BACKBONES, Backbone, Head, SwinNumbers

transformers = pytest.importorskip("transformers")
constants = pytest.importorskip("huggingface_hub.constants")

CLASSES = 6
COMMIT, OTHER_COMMIT = "0123456789abcdef0123456789abcdef01234567", "fedcba9876543210fedcba9876543210fedcba98"
HEAD = Head(
    dim=32,
    queries=5,
    heads=2,
    pixel_layers=1,
    pixel_hidden=12,
    query_layers=2,
    query_hidden=12,
    motion_widths=(4, 4, 6, 6, 8, 8),
    motion_hidden=12,
    flow_hidden=8,
    pixel_flow_widths=(4, 4, 4, 4),
    flownet_widths=(6, 5, 4, 3),
)
SWIN_T = SwinNumbers(embed_dim=8, depths=(1, 1, 2, 1), heads=(1, 1, 2, 2), window=2)
SWIN_S = SwinNumbers(embed_dim=8, depths=(1, 1, 3, 1), heads=(1, 1, 2, 2), window=2)
MIT_B0 = MiT((8, 16, 24, 32), (1, 1, 1, 1), (1, 2, 2, 4), decoder=16)
PROCESSOR = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    """The names that the hub's models go by stand for networks that are small enough to test with."""
    for name, numbers in (("swin-t", SWIN_T), ("swin-s", SWIN_S)):
        monkeypatch.setitem(BACKBONES, name, Backbone(numbers, HEAD, "swin-t"))
    monkeypatch.setitem(presets.BACKBONES, "mit-b0", MIT_B0)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put(cache: Path, repository: str, folder: Path, commit: str = COMMIT, ref: str = "main") -> None:
    """Lay a saved model out as the hub's own client does: files by their hash, and links from each commit."""
    home = cache / f"models--{repository.replace('/', '--')}"
    for name in ("refs", "blobs", f"snapshots/{commit}"):
        (home / name).mkdir(parents=True, exist_ok=True)
    (home / "refs" / ref).write_text(commit)
    for file in folder.iterdir():
        blob = home / "blobs" / hashlib.sha256(file.read_bytes()).hexdigest()
        shutil.copy(file, blob)
        (home / "snapshots" / commit / file.name).symlink_to(f"../../blobs/{blob.name}")


def mask2former(numbers: SwinNumbers) -> torch.nn.Module:
    backbone = transformers.SwinConfig(
        embed_dim=numbers.embed_dim,
        depths=list(numbers.depths),
        num_heads=list(numbers.heads),
        window_size=numbers.window,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = transformers.Mask2FormerConfig(
        backbone_config=backbone,
        feature_size=HEAD.dim,
        hidden_dim=HEAD.dim,
        mask_feature_size=HEAD.dim,
        num_attention_heads=HEAD.heads,
        encoder_layers=HEAD.pixel_layers,
        encoder_feedforward_dim=HEAD.pixel_hidden,
        decoder_layers=HEAD.query_layers + 1,
        dim_feedforward=HEAD.query_hidden,
        num_queries=HEAD.queries,
        num_labels=CLASSES,
    )
    return transformers.Mask2FormerForUniversalSegmentation(config)


def segformer(num_labels: int = CLASSES) -> torch.nn.Module:
    config = transformers.SegformerConfig(
        hidden_sizes=list(MIT_B0.widths),
        depths=list(MIT_B0.depths),
        num_attention_heads=list(MIT_B0.heads),
        decoder_hidden_size=MIT_B0.decoder,
        num_labels=num_labels,
    )
    return transformers.SegformerForSemanticSegmentation(config)


@pytest.fixture
def save(tmp_path, cache, filled):
    """`save(repository, model)`: a random model in the cache, as a folder of the library."""

    def save(repository: str, model: torch.nn.Module, *, processor=None, pickled=False, **options):
        folder = tmp_path / "saved" / repository.replace("/", "-")
        filled(model.eval(), seed=1).save_pretrained(folder)
        (folder / "preprocessor_config.json").write_text(json.dumps(processor or PROCESSOR))
        if pickled:
            (folder / "model.safetensors").unlink()
            torch.save(model.state_dict(), folder / "pytorch_model.bin")
        put(cache, repository, folder, **options)
        return folder

    return save


def as_library(model: torch.nn.Module, frame: torch.Tensor) -> torch.Tensor:
    mean, std = (torch.tensor(PROCESSOR[key]).view(3, 1, 1) for key in ("image_mean", "image_std"))
    return ((frame / 255 - mean) / std)[None]


def test_mask2former_gives_what_the_library_gives(save, frames):
    theirs = mask2former(SWIN_T)
    save("org/tiny", theirs)
    checkpoint = fetch("hub:org/tiny", "swin-t")
    assert (checkpoint.name, checkpoint.num_classes) == (f"org/tiny@{COMMIT}", CLASSES)
    built = build_method("per-frame", backbone="swin-t", num_classes=CLASSES, weights=checkpoint)
    digest = hashlib.sha256(checkpoint.path.read_bytes()).hexdigest()[:12]
    assert built.weights == f"org/tiny@{COMMIT} (sha256 {digest})"
    (frame,) = frames(64, 96, 1)
    theirs, ours = theirs.double(), built.module.segmentor.double()
    with torch.inference_mode():
        expected = theirs(pixel_values=as_library(theirs, frame.double()))
        segments = ours(frame.double())
    torch.testing.assert_close(segments.class_logits, expected.class_queries_logits, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(segments.mask_logits, expected.masks_queries_logits, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("pickled", [False, True])
def test_segformer_gives_what_the_library_gives(save, frames, pickled):
    theirs = segformer()
    save("org/b0", theirs, pickled=pickled)
    checkpoint = fetch("hub:org/b0", "segformer-b0")
    assert checkpoint.path.name == ("pytorch_model.bin" if pickled else "model.safetensors")
    built = build_method("copy", backbone="segformer-b0", num_classes=CLASSES, weights=checkpoint)
    (frame,) = frames(64, 96, 1)
    with torch.inference_mode():
        expected = theirs(pixel_values=as_library(theirs, frame.float())).logits[0]
        prediction, _ = built.segmenter.segment(frame)
    torch.testing.assert_close(prediction.prediction.coarse, expected, rtol=1e-3, atol=1e-3)


def test_revisions(save, cache):
    folder = save("org/b0", segformer())
    put(cache, "org/b0", folder, commit=OTHER_COMMIT, ref="older")
    assert fetch("hub:org/b0", "segformer-b0").name == f"org/b0@{COMMIT}"
    assert fetch("hub:org/b0@older", "segformer-b0").name == f"org/b0@{OTHER_COMMIT}"
    assert fetch(f"hub:org/b0@{OTHER_COMMIT}", "segformer-b0").name == f"org/b0@{OTHER_COMMIT}"


def test_swept_with_flow_without_weights_and_with_the_flow_that_is_shipped(save, tmp_path):
    save("org/b0", segformer())
    out = tmp_path / "run"
    arguments = ["--backbones", "segformer-b0", "--weights", "segformer-b0=hub:org/b0", "--weights", "shipped"]
    methods = ("copy", "optical-flow", "optical-flow-dis")
    data = ["--data", "generated:clips=1,frames=2,size=64x96", "--intervals", "2", "--repeats", "1", "--threads", "1"]
    assert main(["sweep", "--methods", ",".join(methods), *arguments, *data, "--out", str(out)]) == 0
    cells = [json.loads(file.read_text()) for file in (out / "cells").iterdir()]
    weights = {cell["method"]: cell["weights"] for cell in cells}
    assert set(weights) == set(methods)
    assert all(text.startswith(f"org/b0@{COMMIT} (sha256 ") for text in weights.values())
    assert {method: "flow" in text for method, text in weights.items()} == {
        method: method == "optical-flow" for method in methods
    }
    assert "untrained" not in "".join(weights.values())
    assert all(cell["accuracy"] for cell in cells)


def test_mask2former_is_swept(save, tmp_path):
    save("org/tiny", mask2former(SWIN_T))
    out = tmp_path / "run"
    grid = ["--methods", "copy,optical-flow-dis", "--backbones", "swin-t", "--intervals", "2", "--repeats", "1"]
    data = ["--data", "generated:clips=1,frames=3,size=64x96", "--threads", "1", "--out", str(out)]
    assert main(["sweep", *grid, "--weights", "hub:org/tiny", *data]) == 0
    texts = [json.loads(file.read_text())["weights"] for file in (out / "cells").iterdir()]
    assert len(texts) == 2
    assert all(text.startswith(f"org/tiny@{COMMIT} (sha256") and "untrained" not in text for text in texts)


class TestRefused:
    def test_another_size(self, save):
        save("org/small", mask2former(SWIN_S))
        with pytest.raises(UserError, match=r"is the network called swin-s, not swin-t; write swin-s=hub:org/small"):
            fetch("hub:org/small", "swin-t")
        with pytest.raises(UserError, match="is the network called swin-s, not segformer-b0"):
            fetch("hub:org/small", "segformer-b0")

    def test_a_size_that_there_is_not(self, save):
        save("org/other", mask2former(SwinNumbers(8, (2, 2, 2, 2), (1, 1, 2, 2), 2)))
        with pytest.raises(UserError, match=r"hub:org/other is of none of the sizes that the project has: r50, "):
            fetch("hub:org/other", "swin-t")

    def test_another_architecture(self, save, tmp_path, cache):
        folder = tmp_path / "other"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"architectures": ["DPTForSemanticSegmentation"]}))
        put(cache, "org/dpt", folder)
        message = (
            "org/dpt is a DPTForSemanticSegmentation; weights are taken of Mask2FormerForUniversalSegmentation and"
        )
        with pytest.raises(UserError, match=message):
            fetch("hub:org/dpt", "swin-t")

    def test_other_pixels(self, save):
        save("org/b0", segformer(), processor={"image_mean": [0.5] * 3, "image_std": [0.5] * 3})
        with pytest.raises(UserError, match=r"hub:org/b0 norms frames by image_mean \[127.5, 127.5, 127.5\] of 0..255"):
            fetch("hub:org/b0", "segformer-b0")

    def test_pixels_that_are_not_scaled(self, save):
        values = {"do_rescale": False, "image_mean": [123.7, 116.3, 103.5], "image_std": [58.4, 57.1, 57.4]}
        save("org/b0", segformer(), processor=values)
        assert fetch("hub:org/b0", "segformer-b0").num_classes == CLASSES

    def test_not_in_the_cache(self):
        with pytest.raises(UserError, match="hub:org/b0 is not in the cache, and the hub cannot be reached"):
            fetch("hub:org/b0", "segformer-b0")

    def test_a_revision_that_is_not_in_the_cache(self, save):
        save("org/b0", segformer())
        with pytest.raises(UserError, match="hub:org/b0@v2 is not in the cache"):
            fetch("hub:org/b0@v2", "segformer-b0")

    @pytest.mark.parametrize("name", ["", "a/b/c", "a b"])
    def test_no_name(self, name):
        with pytest.raises(UserError, match=r"is no name of a model; write hub:ORG/NAME or hub:ORG/NAME@REVISION"):
            fetch(f"hub:{name}", "swin-t")

    def test_no_weights(self, save, tmp_path, cache):
        folder = tmp_path / "config-alone"
        segformer().config.save_pretrained(folder)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(
            json.dumps({**config, "architectures": ["SegformerForSemanticSegmentation"]})
        )
        put(cache, "org/b0", folder)
        with pytest.raises(UserError, match=f"neither model.safetensors nor pytorch_model.bin at commit {COMMIT}"):
            fetch("hub:org/b0", "segformer-b0")

    @pytest.mark.parametrize(
        ("error", "message"),
        [
            ("GatedRepoError", "hub:org/b0 is gated: accept its terms on its page, then log in with `hf auth login`"),
            ("RepositoryNotFoundError", "hub:org/b0 does not exist, or is private"),
            ("RevisionNotFoundError", "hub:org/b0 does not exist: the repository has no such branch, tag or commit"),
        ],
    )
    def test_what_the_hub_answers(self, monkeypatch, error, message):
        import huggingface_hub
        from huggingface_hub import errors

        def refuse(*args, **kwargs):
            raise getattr(errors, error).__new__(getattr(errors, error))

        monkeypatch.setattr(huggingface_hub, "hf_hub_download", refuse)
        with pytest.raises(UserError, match=message):
            fetch("hub:org/b0", "segformer-b0")

    def test_classes_that_the_data_have_not(self, save, tmp_path, capsys):
        save("org/b0", segformer(num_labels=4))
        grid = ["--methods", "copy", "--backbones", "segformer-b0", "--weights", "hub:org/b0"]
        data = ["--data", "generated:clips=1,frames=2,size=64x96", "--out", str(tmp_path / "run")]
        assert main(["sweep", *grid, *data]) == 2
        assert f"org/b0@{COMMIT} has 4 classes and the data 6" in capsys.readouterr().err


def test_weights_of_the_flow_network(tmp_path):
    for name in ("m.pth", "f.pth", "r.pth"):
        (tmp_path / name).write_bytes(b"")
    texts = [f"micro={tmp_path}/m.pth", f"flownets={tmp_path}/f.pth", f"raft={tmp_path}/r.pth"]
    rows = ("copy", "optical-flow@a", "optical-flow-raft", "optical-flow-dis", "dff")
    weights = parse_weights(texts, rows, ["micro"])
    files = {row: getattr(weights.flow_file(row, "micro"), "name", None) for row in rows}
    assert files == {
        "copy": None,
        "optical-flow@a": "f.pth",
        "optical-flow-raft": "r.pth",
        "optical-flow-dis": None,
        "dff": "f.pth",
    }
    assert {weights.file(row, "micro").name for row in rows} == {"m.pth"}
    assert set(weights.identity()) == {"micro", "flownets", "raft"}
    with pytest.raises(UserError, match="raft is not in this sweep"):
        parse_weights(texts, ["copy", "optical-flow"], ["micro"])
