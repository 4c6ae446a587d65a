"""The numbers of every variant. `mpvss.build` builds networks from them; nothing here imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mpvss.errors import UserError

Execution = Literal["lean", "paper"]
"""`lean` computes what is used; `paper` runs the published graph, for its operation count. Same labels."""


@dataclass(frozen=True)
class Head:
    """Widths and depths of everything that is not a backbone."""

    dim: int = 256
    """Channels of queries, tokens and refined maps."""
    queries: int = 100
    heads: int = 8
    """Attention heads; `dim` is a multiple of twice as many."""
    pixel_layers: int = 6
    pixel_hidden: int = 1024
    points: int = 4
    """Points that a head of deformable attention reads on each map."""
    query_layers: int = 9
    query_hidden: int = 2048
    motion_widths: tuple[int, ...] = (64, 128, 256, 512, 512, 1024)
    """Channels of the motion encoder's conv1 to conv6."""
    motion_stages: int = 3
    """Rounds of the motion decoder over its maps, S in the paper."""
    motion_hidden: int = 2048
    flow_hidden: int = 512
    pixel_flow_widths: tuple[int, ...] = (128, 128, 128, 64)
    """Channels of upsampled features in the motion module's pixel-wise flow, coarse to fine."""
    flownet_widths: tuple[int, ...] = (512, 256, 128, 64)
    """The same in FlowNetS."""

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
class ResNetNumbers:
    """A ResNet's arguments, see `mpvss.segmentor.resnet.ResNet`."""

    depths: tuple[int, ...]
    channels: tuple[int, ...] = (256, 512, 1024, 2048)
    stem: int = 64
    norm: Literal["frozen batch", "group"] = "frozen batch"


@dataclass(frozen=True)
class SwinNumbers:
    """A Swin Transformer's arguments, see `mpvss.segmentor.swin.SwinTransformer`."""

    embed_dim: int
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    window: int


@dataclass(frozen=True)
class EfficientNetLiteNumbers:
    """An EfficientNet-Lite's arguments, see `mpvss.segmentor.efficientnet_lite.EfficientNetLite`."""

    stem: int
    channels: tuple[int, ...]
    depths: tuple[int, ...]
    kernels: tuple[int, ...]
    strides: tuple[int, ...]
    expansions: tuple[int, ...]


Numbers = ResNetNumbers | SwinNumbers | EfficientNetLiteNumbers


@dataclass(frozen=True)
class Backbone:
    """A backbone, and what goes with it."""

    numbers: Numbers
    head: Head
    accel_branch: str
    """The backbone of Accel's branch for every frame, where this one segments the key frames."""


def _small(depths: tuple[int, ...], channels: tuple[int, ...]) -> Backbone:
    return Backbone(ResNetNumbers(depths, channels, stem=channels[0] // 2, norm="group"), SMALL, "nano")


_LITE0 = EfficientNetLiteNumbers(
    stem=32,
    channels=(16, 24, 40, 80, 112, 192, 320),
    depths=(1, 2, 2, 3, 3, 4, 1),
    kernels=(3, 3, 5, 3, 5, 5, 3),
    strides=(1, 2, 2, 2, 1, 2, 1),
    expansions=(1, 6, 6, 6, 6, 6, 6),
)

BACKBONES: dict[str, Backbone] = {
    "r50": Backbone(ResNetNumbers((3, 4, 6, 3)), PAPER, "r50"),
    "r101": Backbone(ResNetNumbers((3, 4, 23, 3)), PAPER, "r50"),
    "swin-t": Backbone(SwinNumbers(96, (2, 2, 6, 2), (3, 6, 12, 24), 7), PAPER, "swin-t"),
    "swin-s": Backbone(SwinNumbers(96, (2, 2, 18, 2), (3, 6, 12, 24), 7), PAPER, "swin-t"),
    "swin-b": Backbone(SwinNumbers(128, (2, 2, 18, 2), (4, 8, 16, 32), 12), PAPER, "swin-t"),
    "swin-l": Backbone(SwinNumbers(192, (2, 2, 18, 2), (6, 12, 24, 48), 12), PAPER, "swin-t"),
    "nano": _small((1, 1, 1, 1), (32, 64, 96, 128)),
    "micro": _small((2, 2, 2, 2), (64, 128, 192, 256)),
    "mini": _small((2, 2, 2, 2), (160, 320, 480, 640)),
    "swin-micro": Backbone(SwinNumbers(32, (2, 2, 2, 2), (1, 2, 4, 8), 4), SMALL, "nano"),
    "lite0": Backbone(_LITE0, SMALL, "nano"),
}
"""Every backbone by name. From `nano` on they are a small family for demos, tests and machines without a GPU."""


@dataclass(frozen=True)
class FlowDesign:
    """The parts that make the flow (Table 3b)."""

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
