"""A network with its starting weights, and the task that trains it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from baselines.accel import Accel
from baselines.cffm.loss import cffm_losses
from baselines.cffm.network import CFFM
from baselines.clips.training import ClipTask
from baselines.cnn.network import ImageNetwork
from baselines.cnn.training import ImageNetworkTask
from baselines.dff import DFF
from baselines.etc_training import EtcTask
from baselines.flownets import FlowNetS
from baselines.mrcfa.loss import mrcfa_losses
from baselines.mrcfa.network import MRCFA
from baselines.optical_flow import OpticalFlow
from baselines.per_frame import PerFrame
from baselines.segformer.network import SegFormer
from baselines.segformer.training import SegFormerTask
from baselines.training import AccelTask, DffTask, FlowTask, OpticalFlowTask, PixelCriterion
from bench.methods.image_networks import build_image_network
from bench.methods.names import CNNS, PER_FRAME
from bench.methods.parts import Parts
from bench.methods.registry import build_method
from bench.train.configuration import ETC, FLOWNETS, ModelConfig
from mpvss.checkpoints import load_checkpoint
from mpvss.propagation import MPVSS
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.training.losses import SegmentationCriterion
from mpvss.training.tasks import PropagationTask, SegmentationTask, Task


def make_model(
    config: ModelConfig, num_classes: int, seed: int, say: Callable[[str], None] = lambda text: None
) -> tuple[nn.Module, dict[str, str | int]]:
    """The network that is trained, from its starting weights, and the configuration that its checkpoint carries.

    `say` is told which parts come from which checkpoint, and which are randomly initialised.

    Raises:
        UserError: a checkpoint that does not fit.
    """
    network, model, configuration = _build(config, num_classes, seed)
    any_classes = config.start_classes == "fresh"
    sources = dict.fromkeys(model.state_dict(), f"seed {seed}")
    for file in config.start:
        sources |= dict.fromkeys(load_checkpoint(model, file, any_classes=any_classes).loaded, file)
    if isinstance(model, Accel) and config.key_start:
        report = load_checkpoint(model.key_segmentor, config.key_start, any_classes=any_classes)
        sources |= {f"key_segmentor.{name}": config.key_start for name in report.loaded}
    _say_sources(sources, say)
    return network, configuration


def make_flow(config: ModelConfig, seed: int) -> FlowNetS | None:
    """The trained flow network that ETC's loss warps by; None for other methods. UserError where it does not fit."""
    if not config.flow_start:
        return None
    network = Parts(1, seed=seed).flow(config.backbone)
    load_checkpoint(nn.ModuleDict({"flow": network}), config.flow_start)
    return network


def make_task(model: nn.Module, points: int, flow: FlowNetS | None = None) -> Task:
    """The training task of a model; with `flow`, under ETC's loss."""
    criterion = SegmentationCriterion(points=points)
    match model:
        case PerFrame(segmentor=Mask2Former() as segmentor):
            return SegmentationTask(segmentor, criterion)
        case PerFrame(segmentor=SegFormer() as network):
            return SegFormerTask(network)
        case PerFrame(segmentor=ImageNetwork() as network):
            return ImageNetworkTask(network) if flow is None else EtcTask(network, flow)
        case CFFM():
            return ClipTask(model, cffm_losses)
        case MRCFA():
            return ClipTask(model, mrcfa_losses)
        case MPVSS():
            return PropagationTask(model, criterion)
        case OpticalFlow():
            return OpticalFlowTask(model, criterion)
        case DFF():
            return DffTask(model, criterion)
        case Accel():
            return AccelTask(model, PixelCriterion(points))
        case FlowNetS():
            return FlowTask(model)
    raise TypeError(f"{type(model).__name__} is not trained")


def _build(config: ModelConfig, num_classes: int, seed: int) -> tuple[nn.Module, nn.Module, dict[str, str | int]]:
    """What is trained, the module that names its tensors as checkpoints do, and the configuration of these."""
    backbone, key_backbone = config.branches
    if config.method == FLOWNETS:
        network = Parts(num_classes, seed=seed).flow(backbone)
        return network, nn.ModuleDict({"flow": network}), {"method": FLOWNETS}
    parts = Parts(num_classes, seed=seed)
    method = PER_FRAME if config.method == ETC else config.method
    built = build_method(method, backbone=backbone, key_backbone=key_backbone, num_classes=num_classes, seed=seed)
    if backbone in CNNS:
        network = parts.initialise(backbone, lambda: build_image_network(backbone, num_classes, "lean", auxiliary=True))
        model = PerFrame(segmentor=network)
    else:
        model = built.module
    return model, model, dict(built.configuration)


def _say_sources(sources: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Say for each source which parts came from it; a class head is a part of its own."""
    parts: dict[str, dict[str, None]] = {}
    for name, source in sources.items():
        pieces = name.split(".")
        parts.setdefault(source, {})[".".join(pieces[: 3 if "class_embed" in pieces else 2])] = None
    for source, names in parts.items():
        say(f"from {source}: {', '.join(names)}")
