"""Models of the transformers library: their own labels, and what the baselines make of them."""

import json

import pytest
import torch

from baselines.library.load import load_library_model
from bench.cli.main import main
from bench.methods import build
from mpvss.video import VideoSegmenter

CLASSES = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small SegFormer with drawn weights, saved as the library saves it."""
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    torch.manual_seed(0)
    config = SegformerConfig(
        num_labels=CLASSES,
        hidden_sizes=[8, 16, 24, 32],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16,
    )
    path = tmp_path_factory.mktemp("models") / "segformer"
    SegformerForSemanticSegmentation(config).save_pretrained(path)
    processor = {"do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "do_resize": False}
    norm = {
        "image_mean": [0.4, 0.5, 0.6],
        "image_std": [0.2, 0.25, 0.3],
        "image_processor_type": "SegformerImageProcessor",
    }
    (path / "preprocessor_config.json").write_text(json.dumps({**processor, **norm}))
    return path


def test_labels_are_those_of_the_library(folder, frames):
    from transformers import SegformerForSemanticSegmentation

    (frame,) = frames(50, 70, 1)
    model = SegformerForSemanticSegmentation.from_pretrained(folder).eval()
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in ([0.4, 0.5, 0.6], [0.2, 0.25, 0.3]))
    with torch.inference_mode():
        logits = model(pixel_values=((frame / 255 - mean) / std)[None]).logits
        expected = torch.nn.functional.interpolate(logits, (50, 70), mode="bilinear", align_corners=False)[0]
        prediction = load_library_model(str(folder)).predict(frame)
        torch.testing.assert_close(prediction.scores(), expected)
        assert (prediction.labels() == expected.argmax(0)).float().mean() > 0.999


@pytest.mark.parametrize("method", ["per-frame", "copy", "optical-flow"])
def test_methods_over_it(folder, frames, method):
    model = build(method, backbone=f"hf:{folder}", num_classes=CLASSES)
    assert isinstance(model, VideoSegmenter)
    key, other = frames(50, 70)
    with torch.inference_mode():
        first, state = model.segment(key)
        second, _ = model.propagate(other, state)
        again, _ = model.segment(other)
    assert second.labels().shape == (50, 70)
    assert torch.equal(second.labels(), first.labels()) == (method == "copy")
    assert torch.equal(second.scores(), again.scores()) == (method == "per-frame")


def test_no_motion_changes_nothing_in_optical_flow(folder, frames):
    model = build("optical-flow", backbone=f"hf:{folder}", num_classes=CLASSES)
    for parameter in model.flow.parameters():
        torch.nn.init.zeros_(parameter)
    key, other = frames(50, 70)
    with torch.inference_mode():
        first, state = model.segment(key)
        second, _ = model.propagate(other, state)
    torch.testing.assert_close(second.scores(), first.scores())


def test_swept_with_the_flow_that_is_shipped(folder, tmp_path):
    arguments = ["--methods", "per-frame,copy,optical-flow", "--backbones", f"hf:{folder}", "--intervals", "2"]
    data = ["--data", "synthetic:clips=1,frames=3,size=64x96", "--repeats", "1", "--weights", "shipped"]
    assert main(["sweep", *arguments, *data, "--out", str(tmp_path / "run")]) == 0
    cells = [json.loads(file.read_text()) for file in (tmp_path / "run" / "cells").iterdir()]
    assert {cell["method"] for cell in cells} == {"per-frame", "copy", "optical-flow"}
    for cell in cells:
        assert cell["cost"]["key_macs"] > 0
        assert cell["weights"].startswith("the model's own (sha256")
        assert ("flow model.safetensors" in cell["weights"]) == (cell["method"] == "optical-flow")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--methods", "mpvss"], "optical-flow-raft, optical-flow-dis; mpvss needs another backbone"),
        (["--methods", "copy", "--data", "generated:clips=1,frames=2"], f"has {CLASSES} classes; 6 are asked for"),
    ],
)
def test_refused(folder, tmp_path, capsys, arguments, message):
    status = main(["sweep", "--backbones", f"hf:{folder}", "--out", str(tmp_path / "run"), *arguments])
    said = capsys.readouterr()
    assert status != 0
    assert message in said.err + said.out


def test_no_model_there(tmp_path):
    with pytest.raises(ValueError, match="is no model of the transformers library"):
        load_library_model(str(tmp_path))
