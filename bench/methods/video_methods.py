"""Video methods of other publications, built from their names."""

from __future__ import annotations

from torch import nn

from baselines.cffm.presets import build_cffm
from baselines.cnn.network import ImageNetwork
from baselines.dvsnet import build_dvsnet
from baselines.mrcfa.network import ReferenceStride
from baselines.mrcfa.presets import build_mrcfa
from baselines.netwarp import NetWarp
from baselines.original.accel import build_original_accel
from baselines.original.dff import build_original_dff
from baselines.raft import RAFT
from baselines.tcb import TCB
from bench.methods.names import FLOWNETS, flow_network, is_small
from bench.methods.parts import Parts

_REFERENCE_STRIDES: dict[str, ReferenceStride] = {"mrcfa": 32, "mrcfa-16": 16}
RAFT_ITERATIONS = 20
"""How often NetWarp's program refines a flow."""


def build_video_method(method: str, parts: Parts, backbone: str) -> nn.Module:
    """One of `VIDEO_METHODS` with random weights, on a backbone that was checked for it.

    NetWarp and TCB hold the OCRNet that `parts` has of this name; the others have networks of their own, whose random
    weights follow from the method's and the backbone's name.
    """
    if method in ("netwarp", "tcb"):
        return _on_ocrnet(method, parts, backbone)
    return parts.initialise(f"{method}/{backbone}", lambda: _alone(method, parts, backbone))


def _alone(method: str, parts: Parts, backbone: str) -> nn.Module:
    classes, execution = parts.num_classes, parts.execution
    if method == "cffm":
        return build_cffm(backbone, classes, execution)
    if method in _REFERENCE_STRIDES:
        return build_mrcfa(backbone, classes, _REFERENCE_STRIDES[method], execution)
    depth, small = resnet_depth(backbone), is_small(backbone)
    if method == "dvsnet":
        return build_dvsnet(classes, depth=depth, small=small)
    if method == "dff-original":
        return build_original_dff(classes, depth, small=small)
    assert method == "accel-original", "every video method has a maker"
    return build_original_accel(classes, depth, small=small)


def resnet_depth(backbone: str) -> int:
    """The depth of a backbone called `r50` or `r50-nano`."""
    return int(backbone.removeprefix("r").partition("-")[0])


def _on_ocrnet(method: str, parts: Parts, backbone: str) -> nn.Module:
    segmentor = parts.image_segmentor(backbone)
    assert isinstance(segmentor, ImageNetwork), "the backbone was checked for the method"
    if method == "tcb":
        return TCB(segmentor=segmentor, execution=parts.execution)

    def make() -> nn.Module:
        small = flow_network(method, backbone) == FLOWNETS
        flow = parts.flow(backbone) if small else RAFT(iterations=RAFT_ITERATIONS, execution=parts.execution)
        return NetWarp(segmentor=segmentor, flow=flow, execution=parts.execution)

    return parts.initialise(method, make)
