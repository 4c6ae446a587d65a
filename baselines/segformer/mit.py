"""The Mix Transformer (MiT), SegFormer's backbone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from baselines.segformer.attention import EPSILON, MixBlock
from mpvss.errors import UserError
from mpvss.layers import map_size, to_map, to_tokens

REDUCTIONS = (8, 4, 2, 1)
"""How much smaller, per axis, the map is that the blocks of each stage attend to."""
SMALLEST_SIDE = 29
"""Pixels below which a frame has no 1/4 map of 8 tokens a side, which the first stage reduces to one."""


class OverlappingPatches(nn.Module):
    """A strided convolution whose patches overlap, and a norm."""

    def __init__(self, in_channels: int, dim: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, dim, kernel, stride, padding=kernel // 2)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Float[Tensor, "b c h w"]) -> tuple[Tensor, tuple[int, int]]:
        """The tokens, row by row, and the height and width of their map."""
        patches = self.conv(x)
        return self.norm(to_tokens(patches)), map_size(patches)


class MixStage(nn.Module):
    """Patches, blocks at one resolution, and a norm."""

    def __init__(
        self,
        in_channels: int,
        dim: int,
        heads: int,
        *,
        kernel: int,
        stride: int,
        reduction: int,
        drops: Sequence[float],
    ) -> None:
        super().__init__()
        self.patches = OverlappingPatches(in_channels, dim, kernel, stride)
        self.blocks = nn.ModuleList(MixBlock(dim, heads, reduction, drop) for drop in drops)
        self.norm = nn.LayerNorm(dim, eps=EPSILON)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d ph pw"]:
        tokens, size = self.patches(x)
        for block in self.blocks:
            tokens = block(tokens, size)
        return to_map(self.norm(tokens), size)


class MixTransformer(nn.Module):
    """MiT: maps at 1/4, 1/8, 1/16 and 1/32 of the image, each normed.

    `drop_path` is the probability with which the last block's branches are dropped in training; it grows from 0 at
    the first block.
    """

    def __init__(
        self, *, widths: Sequence[int], depths: Sequence[int], heads: Sequence[int], drop_path: float = 0.1
    ) -> None:
        super().__init__()
        self.out_channels = tuple(widths)
        steps = max(sum(depths) - 1, 1)
        drops = [drop_path * index / steps for index in range(sum(depths))]
        self.stages = nn.ModuleList()
        for index, (width, depth, count) in enumerate(zip(widths, depths, heads, strict=True)):
            first = sum(depths[:index])
            self.stages.append(
                MixStage(
                    in_channels=widths[index - 1] if index else 3,
                    dim=width,
                    heads=count,
                    kernel=3 if index else 7,
                    stride=2 if index else 4,
                    reduction=REDUCTIONS[index],
                    drops=drops[first : first + depth],
                )
            )
        self.apply(_draw)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        """Maps from fine to coarse, of a normalised image.

        Odd sides are rounded up at every halving. UserError where a side is under `SMALLEST_SIDE` pixels.
        """
        height, width = map_size(image)
        if min(height, width) < SMALLEST_SIDE:
            raise UserError(f"the frame is {width}x{height}; MiT takes sides of {SMALLEST_SIDE} pixels or more")
        maps = []
        for stage in self.stages:
            image = stage(image)
            maps.append(image)
        return maps


def _draw(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
        if module.bias is not None:
            nn.init.zeros_(module.bias)
