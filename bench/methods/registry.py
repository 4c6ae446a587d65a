"""Every method by name. The only module that knows them all."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from baselines.accel import Accel, ScoreFusion
from baselines.copy_prediction import CopyPrediction
from baselines.dff import DFF
from baselines.flownets import FlowNetS, build_flownets
from baselines.ground_truth_flow import GroundTruthFlow
from baselines.library_model import LibrarySegmentor, ScoreFlow, load_library_model
from baselines.optical_flow import OpticalFlow
from baselines.per_frame import PerFrame
from mpvss.build import build_mpvss, build_segmentor
from mpvss.checkpoints import load_checkpoint, read_configuration
from mpvss.errors import UserError
from mpvss.labels import check_num_classes
from mpvss.presets import BACKBONES as _BACKBONES
from mpvss.presets import FLOW_DESIGNS, SMALL, Execution, Head, backbone_row
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.video import VideoSegmenter

Network = TypeVar("Network", bound=nn.Module)

UNTRAINED = "untrained"
GROUND_TRUTH_FLOW = "ground-truth-flow"
"""A ceiling, built as the methods are but given the ground-truth flow. Sweeps score it, and measure nothing else."""
LABEL = re.compile(r"[A-Za-z0-9._-]+")
LIBRARY = "hf:"
"""Before the folder or name of a model of the `transformers` library, where a backbone is named."""
LIBRARY_METHODS = ("per-frame", "copy", "optical-flow")
"""What such a model can be swept as."""
ENTRY_POINTS = "mpvss_bench.methods"
"""Packages add methods of their own in this entry-point group: name = callable(backbone, num_classes)."""


class Parts:
    """Networks that methods share: those built from one `Parts` hold the same segmentor and the same flow network.

    Weights are drawn from `seed`, each network's by its own name, so a network is the same whatever else is built.
    """

    def __init__(self, num_classes: int, *, execution: Execution = "lean", seed: int = 0) -> None:
        check_num_classes(num_classes)
        self.num_classes = num_classes
        self.execution: Execution = execution
        self.seed = seed
        self._segmentors: dict[str, Mask2Former | LibrarySegmentor] = {}
        self._flows: dict[Head, FlowNetS] = {}

    def segmentor(self, backbone: str) -> Mask2Former:
        """The Mask2Former with this backbone."""
        segmentor = self.image_segmentor(backbone)
        assert isinstance(segmentor, Mask2Former), "the backbone was checked for the method"
        return segmentor

    def image_segmentor(self, backbone: str) -> Mask2Former | LibrarySegmentor:
        """The Mask2Former with this backbone, or the library's model."""
        if backbone not in self._segmentors:
            self._segmentors[backbone] = self._make_segmentor(backbone)
        return self._segmentors[backbone]

    def _make_segmentor(self, backbone: str) -> Mask2Former | LibrarySegmentor:
        check_backbone(backbone)
        if not backbone.startswith(LIBRARY):
            return self.draw(backbone, lambda: build_segmentor(backbone, self.num_classes, self.execution))
        model = load_library_model(backbone.removeprefix(LIBRARY))
        if model.num_classes != self.num_classes:
            raise UserError(f"{backbone} has {model.num_classes} classes; {self.num_classes} are asked for")
        return model

    def flow(self, backbone: str) -> FlowNetS:
        """The FlowNetS of this backbone's family."""
        # With a model of the library goes the small FlowNetS, which the project has trained weights of.
        head = SMALL if backbone.startswith(LIBRARY) else backbone_row(backbone).head
        if head not in self._flows:
            self._flows[head] = self.draw("flownets", lambda: build_flownets(head.motion_widths, head.flownet_widths))
        return self._flows[head]

    def draw(self, name: str, make: Callable[[], Network]) -> Network:
        """Make a network in evaluation mode, its weights drawn from the seed and `name` alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(zlib.crc32(f"{self.seed}/{name}".encode()))
            return make().eval()

    def shared_calls(self) -> list[tuple[nn.Module, str]]:
        """Methods whose results depend on the identity of their arguments alone, so that methods may share them."""
        calls: list[tuple[nn.Module, str]] = []
        for segmentor in self._segmentors.values():
            names = ("features", "decode", "prediction") if isinstance(segmentor, Mask2Former) else ("predict",)
            calls += [(segmentor, name) for name in names]
        calls += [(flow, "flow") for flow in self._flows.values()]
        return calls


def share_equal_networks(methods: Iterable[object]) -> None:
    """Let methods of one backbone, built from several `Parts`, hold one network where theirs have equal weights."""
    known: dict[tuple[type, str], nn.Module] = {}
    for method in methods:
        for name, network in method.named_children() if isinstance(method, nn.Module) else ():
            if isinstance(network, Mask2Former | LibrarySegmentor | FlowNetS):
                key = (type(network), _digest_of_weights(network))
                setattr(method, name, known.setdefault(key, network))


def _digest_of_weights(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy())
    return digest.hexdigest()


def _per_frame(parts: Parts, backbone: str, key_backbone: str) -> nn.Module:
    return PerFrame(segmentor=parts.image_segmentor(backbone))


def _copy(parts: Parts, backbone: str, key_backbone: str) -> nn.Module:
    return CopyPrediction(segmentor=parts.image_segmentor(backbone))


def _optical_flow(parts: Parts, backbone: str, key_backbone: str) -> nn.Module:
    segmentor, flow = parts.image_segmentor(backbone), parts.flow(backbone)
    if isinstance(segmentor, LibrarySegmentor):
        return ScoreFlow(segmentor=segmentor, flow=flow)
    return OpticalFlow(segmentor=segmentor, flow=flow)


def _ground_truth_flow(parts: Parts, backbone: str, key_backbone: str) -> nn.Module:
    return GroundTruthFlow(segmentor=parts.segmentor(backbone))


def _dff(parts: Parts, backbone: str, key_backbone: str) -> nn.Module:
    return DFF(segmentor=parts.segmentor(backbone), flow=parts.flow(backbone))


def _accel(parts: Parts, backbone: str, key_backbone: str) -> nn.Module:
    return Accel(
        key_segmentor=parts.segmentor(key_backbone),
        segmentor=parts.segmentor(backbone),
        flow=parts.flow(backbone),
        fusion=ScoreFusion(parts.num_classes),
    )


def _mpvss(method: str) -> Callable[[Parts, str, str], nn.Module]:
    def make(parts: Parts, backbone: str, key_backbone: str) -> nn.Module:
        segmentor = parts.segmentor(backbone)
        return parts.draw(method, lambda: build_mpvss(method, backbone, segmentor))

    return make


_MAKERS: dict[str, Callable[[Parts, str, str], nn.Module]] = {
    "per-frame": _per_frame,
    "copy": _copy,
    "optical-flow": _optical_flow,
    **{name: _mpvss(name) for name in FLOW_DESIGNS},
    "dff": _dff,
    "accel": _accel,
    GROUND_TRUTH_FLOW: _ground_truth_flow,
}

METHODS = tuple(method for method in _MAKERS if method != GROUND_TRUTH_FLOW)
BACKBONES = tuple(_BACKBONES)


def known_methods() -> tuple[str, ...]:
    """The project's own methods, then those that installed packages add."""
    added = importlib.metadata.entry_points(group=ENTRY_POINTS).names
    return (*METHODS, *sorted(added - set(METHODS)))


def method_of(row: str) -> str:
    """The method of a row of a table: of `METHOD`, or of `METHOD@LABEL`, as which one method has several rows.

    Raises:
        UserError: a label of other than letters, digits, `.`, `-` and `_`.
    """
    method, at, label = row.partition("@")
    if at and not LABEL.fullmatch(label):
        raise UserError(f"{row!r}: a label is letters, digits, '.', '-' and '_', as in optical-flow@fine-tuned")
    return method


def accel_branch(key_backbone: str) -> str:
    """The backbone of Accel's branch for every frame, where `key_backbone` segments the key frames."""
    return backbone_row(key_backbone).accel_branch


def branches(method: str, backbone: str) -> tuple[str, str | None]:
    """The `backbone` and `key_backbone` that `build` takes, of a method in the row called `backbone`.

    Accel's row is KEY+OTHER, or KEY, whose usual companion then runs on every frame; other methods have one backbone.
    """
    if method != "accel":
        return backbone, None
    key, plus, other = backbone.partition("+")
    return (other if plus else accel_branch(key)), key


def check_backbone(name: str, method: str | None = None) -> None:
    """Raise UserError unless there is such a backbone, and it has `method`."""
    if not name.startswith(LIBRARY):
        backbone_row(name)
    elif method in _MAKERS and method not in LIBRARY_METHODS:
        raise UserError(f"{name} is swept as {', '.join(LIBRARY_METHODS)}; {method} needs another backbone")


def build(
    method: str,
    *,
    backbone: str,
    num_classes: int,
    key_backbone: str | None = None,
    execution: Execution = "lean",
    parts: Parts | None = None,
    weights: str | os.PathLike[str] | None = None,
    seed: int = 0,
) -> VideoSegmenter:
    """A method in evaluation mode.

    `backbone` is that of the segmentor, or `hf:` and the folder or name of a model of the `transformers` library; for
    Accel, that of the branch that runs on every frame, and `key_backbone` (by default the same) of the one for key
    frames. `parts` gives the networks to share, and then `execution` and
    `seed` are its own. `weights` is a checkpoint; without one, weights are drawn from `seed`, and the method's
    attribute `weights` says "untrained". UserError for an unknown method or backbone, or a checkpoint that does
    not fit.
    """
    if key_backbone is not None and method != "accel":
        raise UserError(f"key_backbone is Accel's alone; {method!r} takes one backbone")
    if method not in _MAKERS:
        if weights is not None:
            raise UserError(f"{method!r} is not the project's own method; it loads its weights itself")
        return _from_entry_point(method, backbone, num_classes)
    parts = parts or Parts(num_classes, execution=execution, seed=seed)
    if parts.num_classes != num_classes:
        raise UserError(f"num_classes is {num_classes}, but the shared parts have {parts.num_classes}")
    key_backbone = key_backbone or backbone
    check_backbone(key_backbone, method)
    model = _MAKERS[method](parts, backbone, key_backbone).eval()
    configuration = {
        "method": method,
        "backbone": backbone,
        "key_backbone": key_backbone,
        "num_classes": num_classes,
    }
    model.configuration = configuration  # type: ignore[assignment]
    if backbone.startswith(LIBRARY):
        model.weights = _load_flow(model, weights)  # type: ignore[assignment]
    else:
        model.weights = UNTRAINED if weights is None else _load(model, weights, configuration)  # type: ignore[assignment]
    return model  # type: ignore[return-value]


def _load(model: nn.Module, path: str | os.PathLike[str], wanted: dict[str, str | int]) -> str:
    """Load a checkpoint that must fit the whole method; what it is, for results to state."""
    if not Path(path).is_file():
        raise UserError(f"checkpoint {path} does not exist or is not a file")
    inside = read_configuration(path) or {}
    for key in ("backbone", "key_backbone", "num_classes"):
        if key in inside and inside[key] != wanted[key]:
            raise UserError(f"checkpoint {path} is for {key} {inside[key]}; this method has {wanted[key]}")
    report = load_checkpoint(model, path)
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
    lacking = sorted({name.split(".")[0] for name in report.missing})
    untrained = f", {' and '.join(lacking)} {UNTRAINED}" if lacking else ""
    return f"{Path(path).name} (sha256 {digest}{untrained})"


def _load_flow(model: nn.Module, path: str | os.PathLike[str] | None) -> str:
    """Load the flow network beside a model of the library, which has its own weights; what they all are."""
    segmentor, flow = model.get_submodule("segmentor"), dict(model.named_children()).get("flow")
    own = f"the model's own (sha256 {_digest_of_weights(segmentor)[:12]})"
    if flow is None:
        if path is not None:
            raise UserError(f"{path}: a model of the transformers library has its own weights; give the flow's alone")
        return own
    if path is None:
        return f"{own}, flow {UNTRAINED}"
    load_checkpoint(flow, path)
    return f"{own}, flow {Path(path).name} (sha256 {hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]})"


def _from_entry_point(method: str, backbone: str, num_classes: int) -> VideoSegmenter:
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS, name=method):
        return entry.load()(backbone=backbone, num_classes=num_classes)
    raise UserError(f"unknown method {method!r}; known are {', '.join(known_methods())}")
