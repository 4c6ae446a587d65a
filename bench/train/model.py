"""What is trained: a network from its starting weights, and the task that trains it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from baselines.accel import Accel
from baselines.dff import DFF
from baselines.flownets import FlowNetS
from baselines.optical_flow import OpticalFlow
from baselines.per_frame import PerFrame
from baselines.training import AccelTask, DffTask, FlowTask, OpticalFlowTask, PixelCriterion
from bench.methods.parts import Parts
from bench.methods.registry import build_method
from bench.train.configuration import FLOWNETS, ModelConfig
from mpvss.checkpoints import load_checkpoint
from mpvss.propagation import MPVSS
from mpvss.segmentor.mask2former import Mask2Former
from mpvss.training.losses import SegmentationCriterion
from mpvss.training.tasks import PropagationTask, SegmentationTask, Task


def make_model(
    config: ModelConfig, num_classes: int, seed: int, say: Callable[[str], None] = lambda text: None
) -> tuple[nn.Module, dict[str, str | int]]:
    """The network that is trained, from its starting weights, and the configuration that its checkpoint carries.

    What comes from which checkpoint, and what is drawn from the seed, is said.

    Raises:
        UserError: a checkpoint that does not fit.
    """
    backbone, key_backbone = config.branches
    if config.method == FLOWNETS:
        network = Parts(num_classes, seed=seed).flow(backbone)
        model = nn.ModuleDict({"flow": network})
        configuration: dict[str, str | int] = {"method": FLOWNETS}
    else:
        built = build_method(
            config.method, backbone=backbone, key_backbone=key_backbone, num_classes=num_classes, seed=seed
        )
        network = model = built.module
        configuration = dict(built.configuration)
    any_classes = config.start_classes == "fresh"
    sources = dict.fromkeys(model.state_dict(), f"seed {seed}")
    for file in config.start:
        sources |= dict.fromkeys(load_checkpoint(model, file, any_classes=any_classes).loaded, file)
    if isinstance(model, Accel) and config.key_start:
        report = load_checkpoint(model.key_segmentor, config.key_start, any_classes=any_classes)
        sources |= {f"key_segmentor.{name}": config.key_start for name in report.loaded}
    _say_sources(sources, say)
    return network, configuration


def make_task(model: nn.Module, points: int) -> Task:
    """What the model is trained on."""
    criterion = SegmentationCriterion(points=points)
    match model:
        case PerFrame(segmentor=Mask2Former() as segmentor):
            return SegmentationTask(segmentor, criterion)
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


def _say_sources(sources: Mapping[str, str], say: Callable[[str], None]) -> None:
    """A line for each source, with the parts that came from it; a class head counts as a part of its own."""
    parts: dict[str, dict[str, None]] = {}
    for name, source in sources.items():
        pieces = name.split(".")
        parts.setdefault(source, {})[".".join(pieces[: 3 if "class_embed" in pieces else 2])] = None
    for source, names in parts.items():
        say(f"from {source}: {', '.join(names)}")
