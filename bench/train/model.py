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
from baselines.dvsnet import DVSNet
from baselines.dvsnet.training import DecisionTask, RegionTask
from baselines.etc_training import EtcTask
from baselines.flownets import FlowNetS
from baselines.mrcfa.loss import mrcfa_losses
from baselines.mrcfa.network import MRCFA
from baselines.netwarp import NetWarp
from baselines.netwarp_training import NetWarpTask
from baselines.optical_flow import OpticalFlow
from baselines.original.accel import OriginalAccel, build_branch
from baselines.original.deeplab import DeepLab
from baselines.original.dff import OriginalDFF
from baselines.original.sizes import PUBLISHED, SMALL
from baselines.original.training import DeepLabTask, OriginalAccelTask, OriginalDffTask
from baselines.per_frame import PerFrame
from baselines.segformer.network import SegFormer
from baselines.segformer.training import SegFormerTask
from baselines.tcb import TCB
from baselines.tcb_training import TcbTask
from baselines.training import AccelTask, DffTask, FlowTask, OpticalFlowTask, PixelCriterion
from bench.methods.image_networks import build_image_network
from bench.methods.names import CNNS, PER_FRAME, is_small
from bench.methods.parts import Parts
from bench.methods.registry import build_method
from bench.methods.video_methods import resnet_depth
from bench.train.configuration import DEEPLAB, DVSNET_SEGMENTOR, ETC, FLOWNETS, ModelConfig, checkpoint_file
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
    network, configuration = _build(config, num_classes, seed)
    model = as_saved(config.method, network)
    any_classes = config.start_classes == "fresh"
    sources = dict.fromkeys(model.state_dict(), f"seed {seed}")
    for file in config.start:
        sources |= dict.fromkeys(load_checkpoint(model, checkpoint_file(file), any_classes=any_classes).loaded, file)
    parts = {"key_segmentor": config.key_start, "update": config.update_start}
    if isinstance(network, NetWarp):
        parts["flow"] = config.flow_start
    for branch, file in parts.items():
        if file:
            report = load_checkpoint(model.get_submodule(branch), file, any_classes=any_classes)
            sources |= {f"{branch}.{name}": file for name in report.loaded}
    _say_sources(sources, say)
    return network, configuration


def as_saved(method: str, network: nn.Module) -> nn.Module:
    """The module that names a network's tensors as checkpoints do."""
    if method == FLOWNETS:
        return nn.ModuleDict({"flow": network})
    if method == DVSNET_SEGMENTOR:
        return nn.ModuleDict({"segmentor": network.get_submodule("segmentor")})
    return network


def make_flow(config: ModelConfig, seed: int) -> FlowNetS | None:
    """The trained flow network that ETC's loss warps by; None for other methods. UserError where it does not fit."""
    if config.method != ETC:
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
        case PerFrame(segmentor=DeepLab() as network):
            return DeepLabTask(network)
        case CFFM():
            return ClipTask(model, cffm_losses)
        case MRCFA():
            return ClipTask(model, mrcfa_losses)
        case NetWarp():
            return NetWarpTask(model)
        case TCB():
            return TcbTask(model)
        case DVSNet(sent=None):
            return DecisionTask(model)
        case DVSNet():
            return RegionTask(model)
        case OriginalDFF():
            return OriginalDffTask(model)
        case OriginalAccel():
            return OriginalAccelTask(model)
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


def _build(config: ModelConfig, num_classes: int, seed: int) -> tuple[nn.Module, dict[str, str | int]]:
    """What is trained, and the configuration of its checkpoints."""
    backbone, key_backbone = config.branches
    parts = Parts(num_classes, seed=seed)
    if config.method == FLOWNETS:
        return parts.flow(backbone), {"method": FLOWNETS}
    if config.method == DEEPLAB:
        width = (SMALL if is_small(backbone) else PUBLISHED).width
        network = parts.initialise(
            f"{DEEPLAB}/{backbone}", lambda: build_branch(resnet_depth(backbone), num_classes, width=width)
        )
        return PerFrame(segmentor=network), {"method": DEEPLAB, "backbone": backbone, "num_classes": num_classes}
    method = {ETC: PER_FRAME, DVSNET_SEGMENTOR: "dvsnet"}.get(config.method, config.method)
    built = build_method(method, backbone=backbone, key_backbone=key_backbone, num_classes=num_classes, seed=seed)
    model = built.module
    if method == PER_FRAME and backbone in CNNS:
        network = parts.initialise(backbone, lambda: build_image_network(backbone, num_classes, "lean", auxiliary=True))
        model = PerFrame(segmentor=network)
    elif config.method == DVSNET_SEGMENTOR:
        assert isinstance(model, DVSNet)
        model = model.with_most_work()
    return model, dict(built.configuration)


def _say_sources(sources: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Say for each source which parts came from it; a class head is a part of its own."""
    parts: dict[str, dict[str, None]] = {}
    for name, source in sources.items():
        pieces = name.split(".")
        parts.setdefault(source, {})[".".join(pieces[: 3 if "class_embed" in pieces else 2])] = None
    for source, names in parts.items():
        say(f"from {source}: {', '.join(names)}")
