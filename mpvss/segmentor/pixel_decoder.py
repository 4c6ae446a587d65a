"""Mask2Former's pixel decoder: deformable encoder layers over three maps, then one FPN step to 1/4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mpvss.layers import in_pieces, map_size, sine_position, to_map, to_tokens
from mpvss.segmentor.deformable import DeformableAttention, Sizes
from mpvss.segmentor.resnet import NormedConv2d
from mpvss.stages import stage


class PixelFeatures(NamedTuple):
    """The pixel decoder's maps of an image."""

    levels: list[Float[Tensor, "b c h w"]]
    """Refined maps, coarse to fine: 1/32, 1/16, 1/8."""
    fine: Float[Tensor, "b c h w"]
    """The 1/4 map that `mask_features` projects into the space of the mask embeddings."""


class EncoderLayer(nn.Module):
    """Deformable self-attention and a feed-forward net, each with residual and norm after."""

    def __init__(self, dim: int, *, heads: int, levels: int, points: int, hidden: int) -> None:
        """Make the layer.

        Args:
            dim: channels of the tokens.
            heads: attention heads, a divisor of `dim`.
            levels: how many maps the tokens come from.
            points: points that a head reads on each map.
            hidden: channels inside the feed-forward net.

        """
        super().__init__()
        self.attention = DeformableAttention(dim, heads=heads, levels=levels, points=points)
        self.norm1 = nn.LayerNorm(dim)
        self.linear1 = nn.Linear(dim, hidden)
        self.linear2 = nn.Linear(hidden, dim)
        self.norm2 = nn.LayerNorm(dim)

    def forward(
        self,
        tokens: Float[Tensor, "b n d"],
        position: Float[Tensor, "n d"],
        centres: Float[Tensor, "n 2"],
        sizes: Sizes,
        as_grid_sample: bool,
    ) -> Float[Tensor, "b n d"]:
        read = self.attention.reader(tokens, sizes, as_grid_sample=as_grid_sample)

        def refine(tokens: Tensor, position: Tensor, centres: Tensor) -> Tensor:
            tokens = self.norm1(tokens + read(tokens + position, centres))
            return self.norm2(tokens + self.linear2(F.relu_(self.linear1(tokens))))

        return in_pieces(refine, tokens, position[None], centres[None], width=self.linear1.out_features)


class PixelDecoder(nn.Module):
    """Refines three of a backbone's four maps, and makes the map that masks are read from."""

    def __init__(
        self,
        *,
        in_channels: Sequence[int],
        dim: int,
        mask_dim: int,
        layers: int,
        heads: int,
        hidden: int,
        points: int,
        as_grid_sample: bool,
    ) -> None:
        """Make the layers.

        Args:
            in_channels: channels of the backbone's maps, from 1/4 to 1/32.
            dim: channels of tokens and refined maps.
            mask_dim: channels of the per-pixel embedding, the query decoder's mask width.
            layers: deformable encoder layers.
            heads: attention heads, a divisor of `dim`.
            hidden: channels inside the feed-forward nets.
            points: points that a head of deformable attention reads on each map.
            as_grid_sample: read by grid sampling, which operator counters can see, in place of the faster table
                look-up; same result.

        """
        super().__init__()
        self.as_grid_sample = as_grid_sample
        finest, *refined = in_channels
        self.input_proj = nn.ModuleList(
            nn.Sequential(_projection(channels, dim), _group_norm(dim)) for channels in reversed(refined)
        )
        self.level_embed = nn.Parameter(torch.randn(len(refined), dim))
        self.layers = nn.ModuleList(
            EncoderLayer(dim, heads=heads, levels=len(refined), points=points, hidden=hidden) for _ in range(layers)
        )
        self.lateral = NormedConv2d(finest, dim, 1, _group_norm(dim))
        self.output = NormedConv2d(dim, dim, 3, _group_norm(dim))
        self.mask_features = nn.Conv2d(dim, mask_dim, 1)

    @stage("pixel decoder")
    def forward(self, maps: list[Tensor]) -> PixelFeatures:
        """`maps` from fine (1/4) to coarse (1/32), as the backbones return them."""
        finest, *refined = maps
        projected = [proj(x) for proj, x in zip(self.input_proj, reversed(refined), strict=True)]
        sizes = [map_size(x) for x in projected]
        counts = [height * width for height, width in sizes]
        tokens = torch.cat([to_tokens(x) for x in projected], dim=1)
        position = torch.cat(
            [
                sine_position(size, x.shape[1], x).flatten(1).T + embed
                for x, size, embed in zip(projected, sizes, self.level_embed, strict=True)
            ]
        )
        centres = torch.cat([_pixel_centres(size, tokens) for size in sizes])
        for layer in self.layers:
            tokens = layer(tokens, position, centres, sizes, self.as_grid_sample)
        levels = [to_map(x, size) for x, size in zip(tokens.split(counts, dim=1), sizes, strict=True)]
        fine = self.lateral(finest)
        fine += F.interpolate(levels[-1], map_size(fine), mode="bilinear", align_corners=False)
        return PixelFeatures(levels, F.relu_(self.output(fine)))


def _projection(in_channels: int, out_channels: int) -> nn.Conv2d:
    conv = nn.Conv2d(in_channels, out_channels, 1)
    nn.init.xavier_uniform_(conv.weight)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv


def _group_norm(dim: int) -> nn.GroupNorm:
    return nn.GroupNorm(min(32, dim), dim)


def _pixel_centres(size: tuple[int, int], like: Tensor) -> Float[Tensor, "n 2"]:
    """The pixels' centres, x and y in 0..1, row by row."""
    height, width = size
    x = (torch.arange(width, device=like.device, dtype=like.dtype) + 0.5) / width
    y = (torch.arange(height, device=like.device, dtype=like.dtype) + 0.5) / height
    return torch.stack((x.repeat(height), y.repeat_interleave(width)), dim=-1)
