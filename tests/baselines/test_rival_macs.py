"""Multiply-accumulates of the published graphs, counted by fvcore's rules, against counts of the published programs."""

from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from baselines.cffm import build_cffm
from baselines.mrcfa import build_mrcfa
from baselines.segformer import build_segformer


class Elementwise(TorchDispatchMode):
    """What fvcore counts beside convolutions and products: norms, and bilinear upsampling at 4 a pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = func.name()
        if "layer_norm" in name or "group_norm" in name:
            self.counts[name] += 5 * args[0].numel()
        elif "batch_norm" in name:
            self.counts[name] += 2 * args[0].numel()
        elif "bilinear" in name:
            self.counts[name] += 4 * out.numel()
        return out


def giga(run) -> float:
    """Of a call, on tensors without content."""
    with FlopCounterMode(display=False) as products, Elementwise() as elementwise, torch.inference_mode():
        run()
    return (products.get_total_flops() / 2 + sum(elementwise.counts.values())) / 1e9


@pytest.mark.parametrize(
    ("backbone", "width", "classes", "size", "expected"),
    [
        ("mit-b2", 768, 124, (480, 853), 101.3),
        ("mit-b5", 768, 124, (480, 853), 185.0),
        ("mit-b1", 256, 19, (1024, 2048), 240.3),
        ("mit-b5", 768, 19, (1024, 2048), 1449.8),
    ],
)
def test_segformer(backbone, width, classes, size, expected):
    with torch.device("meta"):
        network = build_segformer(backbone, classes, width=width, execution="paper").eval()
        frame = torch.empty(3, *size)
        assert round(giga(lambda: network.predict(frame).scores()), 1) == expected


@pytest.mark.parametrize(
    ("backbone", "classes", "size", "expected"),
    [
        ("mit-b2", 124, (480, 853), 189.3),
        ("mit-b5", 124, (480, 853), 537.4),
        ("mit-b0", 19, (512, 1024), 80.65),
        ("mit-b1", 19, (512, 1024), 157.9),
        ("mit-b0", 19, (1024, 2048), 521.0),
    ],
)
def test_cffm(backbone, classes, size, expected):
    """Four frames, with the frames' own scores, which are not used; and the upsampling to the frame."""
    with torch.device("meta"):
        network = build_cffm(backbone, classes, "paper").eval()
        frame = torch.empty(3, *size)
        state = network.segment(frame)[1]
        for _ in range(2):
            state = network.propagate(frame, state)[1]
        found = giga(lambda: network.propagate(frame, state)[0].scores())
    assert round(found, 2 if expected == 80.65 else 1) == expected


@pytest.mark.parametrize(
    ("backbone", "classes", "size", "stride", "expected"),
    [
        ("mit-b2", 124, (480, 864), 32, 183.7),
        ("mit-b5", 124, (480, 864), 32, 518.7),
        ("mit-b0", 19, (512, 1024), 32, 79.1),
        ("mit-b1", 19, (512, 1024), 32, 149.1),
        ("mit-b0", 19, (512, 1024), 16, 91.9),
        ("mit-b1", 19, (512, 1024), 16, 161.7),
    ],
)
def test_mrcfa(backbone, classes, size, stride, expected):
    """Four frames, with every output of training, at 1/4."""
    with torch.device("meta"):
        network = build_mrcfa(backbone, classes, stride, "paper").eval()
        clip = torch.empty(1, 4, 3, *size)
        assert round(giga(lambda: network(clip)), 1) == expected


@pytest.mark.parametrize("build", [build_cffm, build_mrcfa])
def test_lean_runs_the_backbone_once_a_frame(build):
    """What it adds to SegFormer alone is less than a second pass of the backbone."""
    with torch.device("meta"):
        network = build("mit-b1", 19).eval()
        frame = torch.empty(3, 512, 1024)
        alone = giga(lambda: network.segmentor(frame))
        state = network.segment(frame)[1]
        for _ in range(2):
            state = network.propagate(frame, state)[1]
        backbone = giga(lambda: network.segmentor.features(frame))
        assert giga(lambda: network.propagate(frame, state)) < alone + backbone
