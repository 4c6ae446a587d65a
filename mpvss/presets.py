"""The numbers of every variant, and the functions that build a variant from its row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from mpvss.errors import UserError
from mpvss.motion.decoder import MotionDecoder
from mpvss.motion.encoder import MotionEncoder
from mpvss.motion.flow_head import QueryFlowHead
from mpvss.motion.module import MotionModule
from mpvss.motion.pixel_flow import CoarseToFineFlow
from mpvss.propagation import MPVSS
from mpvss.segmentor.mask2former import Execution, Mask2Former
from mpvss.segmentor.pixel_decoder import PixelDecoder
from mpvss.segmentor.query_decoder import QueryDecoder
from mpvss.segmentor.resnet import FrozenBatchNorm2d, ResNet
from mpvss.segmentor.swin import SwinTransformer


@dataclass(frozen=True)
class Head:
    """Widths and depths of everything that is not a backbone."""

    dim: int = 256
    queries: int = 100
    heads: int = 8
    pixel_layers: int = 6
    pixel_hidden: int = 1024
    points: int = 4
    query_layers: int = 9
    query_hidden: int = 2048
    motion_widths: tuple[int, ...] = (64, 128, 256, 512, 512, 1024)
    motion_stages: int = 3
    motion_hidden: int = 2048
    flow_hidden: int = 512
    pixel_flow_widths: tuple[int, ...] = (128, 128, 128, 64)
    flownet_widths: tuple[int, ...] = (512, 256, 128, 64)

    def __post_init__(self) -> None:
        if self.dim % (2 * self.heads):
            raise UserError(f"dim {self.dim} must be a multiple of twice the {self.heads} heads")


PAPER = Head()
SMALL = Head(
    dim=64,
    queries=32,
    heads=4,
    pixel_layers=2,
    pixel_hidden=128,
    query_layers=3,
    query_hidden=128,
    motion_widths=(16, 24, 32, 64, 96, 128),
    motion_stages=1,
    motion_hidden=128,
    flow_hidden=64,
    pixel_flow_widths=(48, 48, 32, 16),
    flownet_widths=(64, 48, 32, 16),
)


@dataclass(frozen=True)
class Backbone:
    """A backbone's constructor, its numbers bound, and the head that goes with it."""

    build: Callable[[], nn.Module]
    head: Head
    accel_branch: str
    """The backbone of Accel's branch for every frame, where this one segments the key frames."""


def _resnet(depths: tuple[int, ...]) -> Callable[[], nn.Module]:
    return partial(ResNet, depths=depths, channels=(256, 512, 1024, 2048), stem=64, norm=FrozenBatchNorm2d)


def _small_norm(channels: int) -> nn.Module:
    return nn.GroupNorm(8, channels)


def _small_resnet(depths: tuple[int, ...], channels: tuple[int, ...]) -> Callable[[], nn.Module]:
    return partial(ResNet, depths=depths, channels=channels, stem=channels[0] // 2, norm=_small_norm)


def _swin(embed_dim: int, depths: tuple[int, ...], heads: tuple[int, ...], window: int) -> Callable[[], nn.Module]:
    return partial(SwinTransformer, embed_dim=embed_dim, depths=depths, heads=heads, window=window)


BACKBONES: dict[str, Backbone] = {
    "r50": Backbone(_resnet((3, 4, 6, 3)), PAPER, "r50"),
    "r101": Backbone(_resnet((3, 4, 23, 3)), PAPER, "r50"),
    "swin-t": Backbone(_swin(96, (2, 2, 6, 2), (3, 6, 12, 24), 7), PAPER, "swin-t"),
    "swin-s": Backbone(_swin(96, (2, 2, 18, 2), (3, 6, 12, 24), 7), PAPER, "swin-t"),
    "swin-b": Backbone(_swin(128, (2, 2, 18, 2), (4, 8, 16, 32), 12), PAPER, "swin-t"),
    "swin-l": Backbone(_swin(192, (2, 2, 18, 2), (6, 12, 24, 48), 12), PAPER, "swin-t"),
    "nano": Backbone(_small_resnet((1, 1, 1, 1), (32, 64, 96, 128)), SMALL, "nano"),
    "micro": Backbone(_small_resnet((2, 2, 2, 2), (64, 128, 192, 256)), SMALL, "nano"),
}
"""Every backbone by name; `nano` and `micro` are a small family for demos, tests and machines without a GPU."""


@dataclass(frozen=True)
class FlowDesign:
    """Which parts make the flow (Table 3b)."""

    query_flow: bool
    pixel_flow: bool
    own_queries: bool = False


FLOW_DESIGNS: dict[str, FlowDesign] = {
    "mpvss": FlowDesign(query_flow=True, pixel_flow=True),
    "mpvss-query-random": FlowDesign(query_flow=True, pixel_flow=False, own_queries=True),
    "mpvss-query-learned": FlowDesign(query_flow=True, pixel_flow=False),
    "mpvss-query-for-pf": FlowDesign(query_flow=False, pixel_flow=True),
}
"""MPVSS and its ablations. Query-for-PF holds no query-flow head; the paper's 40.08 M for it count one, unused."""


def backbone_row(name: str) -> Backbone:
    """The row called `name`; UserError names the known ones."""
    if name not in BACKBONES:
        raise UserError(f"unknown backbone {name!r}; known are {', '.join(BACKBONES)}")
    return BACKBONES[name]


def build_segmentor(backbone: str, num_classes: int, execution: Execution = "lean") -> Mask2Former:
    """Mask2Former with the backbone called `backbone`, its weights freshly drawn."""
    row = backbone_row(backbone)
    head = row.head
    network = row.build()
    return Mask2Former(
        backbone=network,
        pixel_decoder=PixelDecoder(
            in_channels=network.out_channels,  # type: ignore[arg-type]
            dim=head.dim,
            mask_dim=head.dim,
            layers=head.pixel_layers,
            heads=head.heads,
            hidden=head.pixel_hidden,
            points=head.points,
            as_grid_sample=execution == "paper",
        ),
        query_decoder=QueryDecoder(
            num_classes=num_classes,
            dim=head.dim,
            mask_dim=head.dim,
            queries=head.queries,
            layers=head.query_layers,
            heads=head.heads,
            hidden=head.query_hidden,
        ),
        execution=execution,
    )


def build_motion(head: Head, design: FlowDesign, execution: Execution = "lean") -> MotionModule:
    """The motion module of a `design`, its weights freshly drawn."""
    finest, fine, *coarse = head.motion_widths[1:]
    query_head = pixel_flow = None
    if design.query_flow:
        query_head = QueryFlowHead(
            dim=head.dim, map_channels=finest, hidden=head.flow_hidden, folded=execution == "lean"
        )
    if design.pixel_flow:
        pixel_flow = CoarseToFineFlow((*[head.dim] * 3, fine, finest), head.pixel_flow_widths)
    return MotionModule(
        encoder=MotionEncoder(head.motion_widths),
        decoder=MotionDecoder(
            in_channels=coarse[::-1],
            dim=head.dim,
            queries=head.queries,
            stages=head.motion_stages,
            heads=head.heads,
            hidden=head.motion_hidden,
        ),
        query_head=query_head,
        pixel_flow=pixel_flow,
        own_queries=nn.Embedding(head.queries, head.dim) if design.own_queries else None,
    )


def build_mpvss(method: str, backbone: str, segmentor: Mask2Former) -> MPVSS:
    """MPVSS, or the ablation called `method`, over a segmentor built with `backbone`."""
    motion = build_motion(backbone_row(backbone).head, FLOW_DESIGNS[method], segmentor.execution)
    return MPVSS(segmentor=segmentor, motion=motion)
