"""Builds a method from its name, with its weights. The only module that knows every method."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from baselines.accel import Accel, ScoreFusion
from baselines.copy_prediction import CopyPrediction
from baselines.dff import DFF
from baselines.dis import DIS
from baselines.flow_network import FlowNetwork
from baselines.ground_truth_flow import GroundTruthFlow
from baselines.library.memory_video import MemoryVideo
from baselines.optical_flow import OpticalFlow
from baselines.per_frame import PerFrame
from baselines.score_flow import ScoreFlow
from bench.methods.added import build_added_method
from bench.methods.library_methods import build_memory_video, build_videomt, own_weights
from bench.methods.names import (
    DIS_FLOW,
    GROUND_TRUTH_FLOW,
    LIBRARY,
    MEMORY_VIDEO,
    PER_FRAME,
    RAFT_FLOW,
    UNTRAINED,
    VIDEO_METHODS,
    VIDEOMT,
    WITHOUT_KEY_FRAMES,
    brings_weights,
    check_branches,
    default_key_backbone,
    known_methods,
    method_of,
)
from bench.methods.parts import Parts
from bench.methods.video_methods import build_video_method
from bench.methods.weights import Checkpoint
from mpvss.build import build_mpvss
from mpvss.checkpoints import load_checkpoint, read_configuration
from mpvss.errors import UserError
from mpvss.presets import FLOW_DESIGNS, Execution
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.video import VideoSegmenter, uses_key_frames

OWN_WEIGHTS = "the method's own"
"""Stands in results for the weights of a method that another package adds."""


@dataclass(frozen=True)
class BuiltMethod:
    """A method, and what it was built from."""

    segmenter: VideoSegmenter
    weights: str
    """The weights as results state them: `untrained`, or what was loaded."""
    configuration: Mapping[str, str | int]
    """The configuration of its checkpoints: method, backbone, key_backbone, num_classes."""

    @property
    def module(self) -> nn.Module:
        """The segmenter as the module that the project's own methods are."""
        assert isinstance(self.segmenter, nn.Module)
        return self.segmenter


def build_method(
    method: str,
    *,
    backbone: str,
    num_classes: int,
    key_backbone: str | None = None,
    execution: Execution = "lean",
    parts: Parts | None = None,
    weights: str | os.PathLike[str] | None = None,
    flow_weights: str | os.PathLike[str] | None = None,
    seed: int = 0,
) -> BuiltMethod:
    """A method in evaluation mode with what it was built from; the arguments are those of `bench.methods.build`.

    `parts` gives the networks to share, and then `execution` and `seed` are its own. `flow_weights` are those of the
    flow network, where they come apart.

    Raises:
        UserError: an unknown method or backbone, or a checkpoint that does not fit.
    """
    if key_backbone is not None and method not in ("accel", "accel-original", MEMORY_VIDEO):
        raise UserError(f"key_backbone is for accel and {MEMORY_VIDEO}; {method!r} takes one backbone")
    key_backbone = key_backbone or default_key_backbone(method, backbone)
    configuration = {
        "method": method,
        "backbone": backbone,
        "key_backbone": key_backbone,
        "num_classes": num_classes,
    }
    if method not in _MAKERS:
        if method not in known_methods():
            raise UserError(f"unknown method {method!r}; known are {', '.join(known_methods())}")
        added = build_added_method(method, backbone, num_classes, weights)
        return BuiltMethod(added, OWN_WEIGHTS if weights is None else _title(weights), configuration)
    parts = parts or Parts(num_classes, execution=execution, seed=seed, own_weights=weights)
    if parts.num_classes != num_classes:
        raise UserError(f"num_classes is {num_classes}, but the shared parts have {parts.num_classes}")
    check_branches(method, backbone, key_backbone)
    model = _MAKERS[method](parts, backbone, key_backbone).eval()
    if isinstance(model, MemoryVideo):
        loaded = _load_segmentor(model, weights, configuration)
    elif backbone.startswith(LIBRARY):
        loaded = _load_flow(model, flow_weights if weights is None else weights)
    elif brings_weights(backbone):
        loaded = _load_flow(model, flow_weights, weights)
    else:
        loaded = _load(model, weights, configuration, flow_weights)
    assert isinstance(model, VideoSegmenter)
    return BuiltMethod(model, loaded, configuration)


Maker = Callable[[Parts, str, str], nn.Module]
"""Makes a method from parts, the backbone and the key backbone."""


def _per_frame(parts: Parts, backbone: str, key_backbone: str) -> nn.Module:
    return PerFrame(segmentor=parts.image_segmentor(backbone))


def _copy(parts: Parts, backbone: str, key_backbone: str) -> nn.Module:
    return CopyPrediction(segmentor=parts.image_segmentor(backbone))


def _optical_flow(flow_of: Callable[[Parts, str], FlowNetwork]) -> Maker:
    def make(parts: Parts, backbone: str, key_backbone: str) -> nn.Module:
        segmentor, flow = parts.image_segmentor(backbone), flow_of(parts, backbone)
        if isinstance(segmentor, Mask2Former):
            return OpticalFlow(segmentor=segmentor, flow=flow)
        return ScoreFlow(segmentor=segmentor, flow=flow)

    return make


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


def _mpvss(method: str) -> Maker:
    def make(parts: Parts, backbone: str, key_backbone: str) -> nn.Module:
        segmentor = parts.segmentor(backbone)
        return parts.initialise(method, lambda: build_mpvss(method, backbone, segmentor))

    return make


def _videomt(parts: Parts, backbone: str, key_backbone: str) -> nn.Module:
    return build_videomt(backbone, parts.num_classes)


def _memory_video(parts: Parts, backbone: str, key_backbone: str) -> nn.Module:
    return build_memory_video(parts, backbone, key_backbone)


def _video(method: str) -> Maker:
    return lambda parts, backbone, key_backbone: build_video_method(method, parts, backbone)


_MAKERS: dict[str, Maker] = {
    PER_FRAME: _per_frame,
    "copy": _copy,
    "optical-flow": _optical_flow(Parts.flow),
    RAFT_FLOW: _optical_flow(lambda parts, _: parts.raft()),
    DIS_FLOW: _optical_flow(lambda parts, _: DIS()),
    **{name: _mpvss(name) for name in FLOW_DESIGNS},
    "dff": _dff,
    "accel": _accel,
    **{name: _video(name) for name in VIDEO_METHODS},
    VIDEOMT: _videomt,
    MEMORY_VIDEO: _memory_video,
    GROUND_TRUTH_FLOW: _ground_truth_flow,
}
"""A maker for each of `bench.methods.names.BUILT_METHODS`, and for the ceiling."""


def have_no_key_frames(rows: Iterable[str], backbone: str, num_classes: int) -> tuple[str, ...]:
    """Which of the rows, METHOD or METHOD@LABEL, have no key frames; a method of another package is built to know."""
    return tuple(row for row in rows if _has_no_key_frames(method_of(row), backbone, num_classes))


def _has_no_key_frames(method: str, backbone: str, num_classes: int) -> bool:
    if method in _MAKERS:
        return method in WITHOUT_KEY_FRAMES
    try:
        return not uses_key_frames(build_added_method(method, backbone, num_classes, None))
    except Exception:
        return False  # a method that cannot be built fails again where its cells can say so


def _load(
    model: nn.Module,
    path: str | os.PathLike[str] | None,
    wanted: Mapping[str, str | int],
    flow: str | os.PathLike[str] | None = None,
) -> str:
    """Load a checkpoint that must fit the whole method, and that of its flow network; what they are, for results."""
    if path is None:
        return UNTRAINED if flow is None else f"{UNTRAINED}, flow {_load_part(model, flow)}"
    if not Path(path).is_file():
        raise UserError(f"checkpoint {path} does not exist or is not a file")
    inside = read_configuration(path) or {}
    for key in ("backbone", "key_backbone", "num_classes"):
        if key in inside and inside[key] != wanted[key]:
            raise UserError(f"checkpoint {path} is for {key} {inside[key]}; this method has {wanted[key]}")
    report = load_checkpoint(model, path)
    lacking = sorted({name.split(".")[0] for name in report.missing} - ({"flow"} if flow else set()))
    untrained = f", {' and '.join(lacking)} {UNTRAINED}" if lacking else ""
    return _title(path, untrained) + (f", flow {_load_part(model, flow)}" if flow else "")


def _load_flow(
    model: nn.Module, path: str | os.PathLike[str] | None, loaded: str | os.PathLike[str] | None = None
) -> str:
    """Load the flow network beside a network of others, which has its own weights or `loaded` some; what they are."""
    children = dict(model.named_children())
    flow = children.get("flow")
    own = own_weights(children.get("segmentor", model)) if loaded is None else _title(loaded)
    if flow is None or not list(flow.parameters()):
        if path is not None:
            raise UserError(f"{path}: a model of the transformers library has its own weights; give the flow's alone")
        return own
    if path is None:
        return f"{own}, flow {UNTRAINED}"
    return f"{own}, flow {_load_part(model, path)}"


def _load_segmentor(model: MemoryVideo, path: str | os.PathLike[str] | None, wanted: Mapping[str, str | int]) -> str:
    """Load the segmentor of key frames beside a tracker of the library, which has its own weights; what they are."""
    key = str(wanted["key_backbone"])
    assert isinstance(model.segmentor, nn.Module)
    if brings_weights(key):
        if path is not None:
            raise UserError(f"{path}: {key} brings its own weights")
        segmentor = own_weights(model.segmentor)
    elif path is None:
        segmentor = UNTRAINED
    else:
        segmentor = _load(model.segmentor, path, {**wanted, "backbone": key})
    return f"{segmentor}, tracker {own_weights(model.tracker)}"


def _load_part(model: nn.Module, path: str | os.PathLike[str]) -> str:
    load_checkpoint(model.get_submodule("flow"), path)
    return _title(path)


def _title(path: str | os.PathLike[str], remark: str = "") -> str:
    """The file as results state it."""
    name = path.name if isinstance(path, Checkpoint) else Path(path).name
    return f"{name} (sha256 {hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]}{remark})"
