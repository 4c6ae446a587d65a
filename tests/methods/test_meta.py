"""Every method on torch's "meta" device: a tensor made on the wrong device is found without a card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bench.measure.time.modes import Mode
from bench.methods import build
from bench.methods.names import BUILT_METHODS, CNNS, DIS_FLOW, IMAGE_METHODS, LIBRARY_METHODS, SEGFORMERS
from mpvss.errors import UserError
from mpvss.presets import Execution
from mpvss.video import LooksAhead, VideoSegmenter

META = torch.device("meta")
SIZE = (96, 160)
CLASSES = 5
BACKBONES = ("nano", "mit-nano", "ocrnet-r18", "r50", "r101")
NOT_ON_SHAPES = (DIS_FLOW, "dvsnet", *LIBRARY_METHODS)
"""DIS flow runs on the CPU alone, DVSNet decides by numbers, and a model of a library needs its files."""
TORCH_METHODS = [method for method in BUILT_METHODS if method not in NOT_ON_SHAPES]
IMAGE_CASES = [
    *(
        (method, backbone)
        for method in IMAGE_METHODS
        for backbone in ("segformer-b0", "fcn-r101")
        if method in TORCH_METHODS
    ),
    *(("per-frame", backbone) for backbone in CNNS),
]


class OneDevice(TorchDispatchMode):
    """Refuses an operator that is given tensors of two devices; a CPU number, of no axis, may join any."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = [x for x in tree_leaves((args, kwargs or {})) if isinstance(x, Tensor)]
        if any(x.is_meta for x in given):
            strangers = [tuple(x.shape) for x in given if not x.is_meta and x.ndim]
            assert not strangers, f"{func} meets a tensor of the CPU, of shape {strangers[0]}"
        return func(*args, **(kwargs or {}))


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors that a value holds; those of networks are not looked at."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, nn.Module):
        return
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from tensors_in(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from tensors_in(getattr(value, field.name))


def on_meta(method: str, backbone: str | None, execution: Execution) -> VideoSegmenter:
    """The method with weights on the meta device; without a backbone, with the first that it can be built with."""
    for name in BACKBONES if backbone is None else (backbone,):
        try:
            with META:
                return build(method, backbone=name, num_classes=CLASSES, execution=execution)
        except UserError:
            if backbone is not None:
                raise
    raise AssertionError(f"{method} is built with none of {', '.join(BACKBONES)}")


def run(segmenter: VideoSegmenter) -> Iterator[tuple[str, Tensor]]:
    """Every tensor that a key frame and two non-key frames give, with what it is of."""
    frames = [torch.empty(3, *SIZE, dtype=torch.uint8, device=META) for _ in range(3)]
    state = None
    for index, frame in enumerate(frames):
        coming = {"coming": frames[index + 1 :][: segmenter.lookahead]} if isinstance(segmenter, LooksAhead) else {}
        if index == 0:
            prediction, state = segmenter.segment(frame, **coming)
        else:
            prediction, state = segmenter.propagate(frame, state, **coming)
        labels, scores = prediction.labels(), prediction.scores()
        assert (labels.shape, labels.dtype, scores.shape) == (SIZE, torch.uint8, (CLASSES, *SIZE))
        for what, value in (("labels", labels), ("scores", scores), ("state", state), ("prediction", prediction)):
            for tensor in tensors_in(value):
                yield f"{what} of frame {index}", tensor


def assert_stays_on_meta(segmenter: VideoSegmenter) -> None:
    with torch.inference_mode(), Mode().autocast(META), OneDevice():
        for what, tensor in run(segmenter):
            assert tensor.is_meta, f"{what}: {tuple(tensor.shape)} is on {tensor.device}"


@pytest.mark.parametrize("execution", ["lean", "paper"])
@pytest.mark.parametrize(("method", "backbone"), [*((method, None) for method in TORCH_METHODS), *IMAGE_CASES])
def test_every_method_stays_on_its_device(method, backbone, execution):
    assert_stays_on_meta(on_meta(method, backbone, execution))


@pytest.mark.parametrize("backbone", ["r50", "swin-t", "swin-b", *(name for name in SEGFORMERS if name[-2] == "b")])
def test_every_kind_of_backbone_stays_on_its_device(backbone):
    for execution in ("lean", "paper"):
        assert_stays_on_meta(on_meta("mpvss" if "segformer" not in backbone else "optical-flow", backbone, execution))


def test_half_precision_is_refused_where_there_is_no_autocast():
    with pytest.raises(UserError, match="bfloat16 needs a device with autocast, not meta"):
        Mode(amp="bfloat16").check(META)
    Mode().check(META)


@dataclass
class Scored:
    volume: Tensor

    def labels(self) -> Tensor:
        return self.volume.argmax(0).to(torch.uint8)

    def scores(self) -> Tensor:
        return self.volume


class Astray:
    """A method that makes a tensor on the CPU, in one of several ways."""

    num_classes = CLASSES

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def segment(self, frame):
        volume = frame[:1].float().expand(CLASSES, -1, -1) * torch.tensor(2.0)
        if self.fault == "index":
            volume = volume[torch.arange(CLASSES)]
        if self.fault == "sum":
            volume = volume + torch.arange(SIZE[1])
        if self.fault == "result":
            volume = torch.zeros(CLASSES, *SIZE)
        return Scored(volume), {"seen": [torch.zeros(2) if self.fault == "state" else frame]}

    def propagate(self, frame, state):
        return self.segment(frame)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("index", "meets a tensor of the CPU"),
        ("sum", "meets a tensor of the CPU"),
        ("result", "labels of frame 0"),
        ("state", "state of frame 0"),
    ],
)
def test_a_tensor_of_the_cpu_is_found(fault, message):
    assert_stays_on_meta(Astray("none"))
    with pytest.raises(AssertionError, match=message):
        assert_stays_on_meta(Astray(fault))
