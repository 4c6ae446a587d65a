"""Counts of the networks of other publications, on shapes: what each row of the paper's tables may stand for.

Each is the published graph of one frame in the middle of a clip, with everything that it executes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

from baselines.cffm.presets import build_cffm
from baselines.clips.network import ClipNetwork, ClipState
from baselines.clips.start import OFFSETS
from baselines.cnn.deeplab import DILATIONS, DeepLabV3PlusHead
from baselines.cnn.network import ImageNetwork
from baselines.cnn.presets import Form, Network, build_cnn
from baselines.dvsnet import DVSNet, build_dvsnet
from baselines.mrcfa.network import ReferenceStride
from baselines.mrcfa.presets import build_mrcfa
from baselines.netwarp import build_netwarp
from baselines.original.accel import build_original_accel
from baselines.original.dff import build_original_dff
from baselines.raft import RAFT
from baselines.segformer.network import SegFormer
from baselines.segformer.presets import build_segformer
from baselines.tcb import build_tcb
from bench.measure.count.calls import Call, recorded_calls
from bench.measure.count.cost_of_method import Cost, cost_of
from bench.measure.count.weights import weights_of

Size = tuple[int, int]
"""Height and width of a frame."""
Calls = Sequence[Call]
Model = TypeVar("Model", bound=nn.Module)


def cnn_network(
    network: Network, classes: int, *, depth: int = 101, form: Form = "library", auxiliary: bool = False
) -> ImageNetwork:
    """A convolutional network, as `build_cnn` makes it."""
    return _built(lambda: build_cnn(network, num_classes=classes, depth=depth, form=form, auxiliary=auxiliary))


def segformer_network(backbone: str, classes: int, width: int) -> SegFormer:
    """SegFormer with a decoder of `width`."""
    return _built(lambda: build_segformer(backbone, classes, width=width, execution="paper"))


def cffm_network(backbone: str, classes: int) -> ClipNetwork:
    """CFFM-VSS."""
    return _built(lambda: build_cffm(backbone, classes, "paper"))


def mrcfa_network(backbone: str, classes: int, stride: ReferenceStride = 32) -> ClipNetwork:
    """MRCFA."""
    return _built(lambda: build_mrcfa(backbone, classes, stride, "paper"))


@functools.cache
def image_calls(network: Network, size: Size, classes: int, depth: int = 101) -> Calls:
    """A frame of one of the library's convolutional networks."""
    model = cnn_network(network, classes, depth=depth)
    return _calls(lambda: model.predict(_frame(size)).labels())


@functools.cache
def deeplab_calls_without_branches(size: Size, classes: int) -> Calls:
    """DeepLabV3+ without its three dilated branches."""
    model = cnn_network("deeplabv3plus", classes)
    head = cast("DeepLabV3PlusHead", model.decode_head)
    plain, *dilated = head.aspp_modules
    assert len(dilated) == len(DILATIONS)
    width = head.bottleneck.conv.out_channels
    head.aspp_modules = nn.ModuleList([plain, *(_Nothing(width) for _ in dilated)])
    return _calls(lambda: model.predict(_frame(size)).labels())


@functools.cache
def segformer_calls(backbone: str, size: Size, classes: int, width: int) -> Calls:
    """A frame of SegFormer."""
    model = segformer_network(backbone, classes, width)
    return _calls(lambda: model.predict(_frame(size)).labels())


@functools.cache
def cffm_calls(backbone: str, size: Size, classes: int) -> Calls:
    """A frame of CFFM-VSS with three earlier ones."""
    return _clip_calls(cffm_network(backbone, classes), size)


@functools.cache
def mrcfa_calls(backbone: str, size: Size, classes: int, stride: ReferenceStride = 32) -> Calls:
    """A frame of MRCFA with three earlier ones."""
    return _clip_calls(mrcfa_network(backbone, classes, stride), size)


@functools.cache
def netwarp_calls(size: Size, classes: int) -> Calls:
    """A frame of NetWarp: both frames through OCRNet, and the flow between them."""
    model, frame = _built(lambda: build_netwarp(num_classes=classes, execution="paper")), _frame(size)
    _, state = model.segment(frame, coming=[frame])
    return _calls(lambda: model.propagate(frame, state)[0].labels())


@functools.cache
def raft_calls(size: Size) -> Calls:
    """RAFT on two frames, in the 20 iterations that NetWarp takes."""
    model, frame = _built(lambda: RAFT(execution="paper")), _frame(size)
    return _calls(lambda: model.frame_flow(frame, frame))


@functools.cache
def tcb_calls(size: Size, classes: int) -> Calls:
    """A frame of TCB with its three references."""
    model, frame = _built(lambda: build_tcb(num_classes=classes, execution="paper")), _frame(size)
    coming = [frame] * model.lookahead
    _, state = model.segment(frame, coming=coming)
    return _calls(lambda: model.propagate(frame, state, coming=coming)[0].labels())


@functools.cache
def dff_cost(size: Size, classes: int) -> Cost:
    """DFF as first published."""
    return cost_of(_built(lambda: build_original_dff(classes)), size)


@functools.cache
def accel_cost(size: Size, classes: int, depth: int) -> Cost:
    """Accel as first published, with an update branch of `depth`."""
    return cost_of(_built(lambda: build_original_accel(classes, depth)), size)


@functools.cache
def dvsnet_calls(size: Size, classes: int) -> tuple[Calls, Calls]:
    """DVSNet's flow and decision, which every frame has, and the segmentation of all four regions."""
    model: DVSNet = _built(lambda: build_dvsnet(classes))
    frame = _frame(size)
    _, state = model.segment(frame)
    pair = torch.cat((state.halves, state.halves), dim=1)
    decided = _calls(lambda: model.decision(model.flow(pair).features))
    return decided, _calls(lambda: model.segment(frame)[0].labels())


def parameters(network: nn.Module) -> int:
    """How many weights could be trained."""
    return sum(weight.numel() for weight in weights_of(network))


class _Nothing(nn.Module):
    """A branch that computes nothing."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        return x.new_empty(len(x), self.channels, *x.shape[2:])


def _built(make: Callable[[], Model]) -> Model:
    with torch.device("meta"):
        return make().eval()


def _frame(size: Size) -> Tensor:
    return torch.empty(3, *size, dtype=torch.uint8, device="meta")


def _clip_calls(model: ClipNetwork, size: Size) -> Calls:
    frame = _frame(size)
    before = ClipState(OFFSETS[0] - 1, size, tuple((index, frame) for index in range(OFFSETS[0])))
    return _calls(lambda: model.propagate(frame, before)[0].labels())


def _calls(run: Callable[[], Tensor]) -> Calls:
    with torch.no_grad(), torch.device("meta"), recorded_calls("rest") as recorded:
        run()
    return recorded.calls
