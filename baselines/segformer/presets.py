"""The sizes of MiT and of SegFormer's decoder."""

from __future__ import annotations

from dataclasses import dataclass

from baselines.segformer.head import AllMLPHead
from baselines.segformer.mit import MixTransformer
from baselines.segformer.network import SegFormer
from mpvss.errors import UserError
from mpvss.presets import Execution
from mpvss.sharing import SharedResults


@dataclass(frozen=True)
class MiT:
    """A backbone's numbers, stage by stage, and the decoder's widths that go with it."""

    widths: tuple[int, int, int, int]
    depths: tuple[int, int, int, int]
    heads: tuple[int, int, int, int]
    decoder: int
    """The decoder's width in SegFormer as published."""
    video_decoder: int = 256
    """The decoder's width in CFFM-VSS and MRCFA."""


_NARROW, _WIDE, _HEADS = (32, 64, 160, 256), (64, 128, 320, 512), (1, 2, 5, 8)

BACKBONES: dict[str, MiT] = {
    "mit-b0": MiT(_NARROW, (2, 2, 2, 2), _HEADS, decoder=256),
    "mit-b1": MiT(_WIDE, (2, 2, 2, 2), _HEADS, decoder=256),
    "mit-b2": MiT(_WIDE, (3, 4, 6, 3), _HEADS, decoder=768),
    "mit-b3": MiT(_WIDE, (3, 4, 18, 3), _HEADS, decoder=768),
    "mit-b4": MiT(_WIDE, (3, 8, 27, 3), _HEADS, decoder=768),
    "mit-b5": MiT(_WIDE, (3, 6, 40, 3), _HEADS, decoder=768),
    "mit-nano": MiT((16, 32, 64, 128), (1, 1, 1, 1), (1, 1, 2, 4), decoder=64, video_decoder=64),
    "mit-micro": MiT((24, 48, 96, 160), (2, 2, 2, 2), (1, 2, 4, 5), decoder=128, video_decoder=128),
}
"""Every backbone by name; `mit-nano` and `mit-micro` are a small family for demos, tests and machines without a GPU."""


def mit_row(name: str) -> MiT:
    """The row called `name`; UserError names the known ones."""
    if name not in BACKBONES:
        raise UserError(f"unknown MiT backbone {name!r}; known are {', '.join(BACKBONES)}")
    return BACKBONES[name]


def build_segformer(
    backbone: str,
    num_classes: int,
    *,
    width: int | None = None,
    execution: Execution = "lean",
    padding: int = 1,
    shared: SharedResults | None = None,
) -> SegFormer:
    """SegFormer with the MiT called `backbone`, its weights freshly drawn.

    `width` is the decoder's; None for SegFormer's own, 256 with B0 and B1 and 768 with the larger ones. `padding` and
    `shared` are as in `SegFormer`.
    """
    row = mit_row(backbone)
    return SegFormer(
        backbone=MixTransformer(widths=row.widths, depths=row.depths, heads=row.heads),
        head=AllMLPHead(
            in_channels=row.widths,
            width=row.decoder if width is None else width,
            num_classes=num_classes,
            folded=execution == "lean",
        ),
        padding=padding,
        shared=shared,
    )
