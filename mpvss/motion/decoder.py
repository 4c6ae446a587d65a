"""The motion decoder: queries and motion maps exchange information by joint self-attention (Eq. 1 to 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mpvss.layers import FeedForwardBlock, SelfAttentionBlock, map_size, sine_position, to_map, to_tokens
from mpvss.stages import stage


class DecodedMotion(NamedTuple):
    """The motion decoder's queries and maps."""

    queries: Float[Tensor, "b q d"]
    levels: list[Float[Tensor, "b d h w"]]
    """The refined maps, coarse to fine."""


class JointLayer(nn.Module):
    """One block over [queries; tokens]: self-attention (Eq. 2), feed-forward net (Eq. 3)."""

    def __init__(self, dim: int, *, heads: int, hidden: int) -> None:
        """Make the block.

        Args:
            dim: channels of queries and tokens.
            heads: attention heads, a divisor of `dim`.
            hidden: channels inside the feed-forward net.

        """
        super().__init__()
        self.self_attention = SelfAttentionBlock(dim, heads)
        self.ffn = FeedForwardBlock(dim, hidden)

    def forward(self, joint: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        return self.ffn(self.self_attention(joint))


class MotionDecoder(nn.Module):
    """Rounds of joint self-attention over the levels, coarsest first, a block for each.

    Position codes and query embeddings are part of what a block keeps: they are added again each time.
    """

    def __init__(
        self, *, in_channels: Sequence[int], dim: int, queries: int, stages: int, heads: int, hidden: int
    ) -> None:
        """Make the blocks.

        Args:
            in_channels: channels of the motion encoder's maps, from coarse to fine (L = 3 of them in the paper).
            dim: channels of the queries, which the maps are brought to.
            queries: how many queries there are.
            stages: rounds over the levels (S = 3 in the paper).
            heads: attention heads, a divisor of `dim`.
            hidden: channels inside the feed-forward nets.

        """
        super().__init__()
        self.input_proj = nn.ModuleList(nn.Conv2d(channels, dim, 1) for channels in in_channels)
        self.query_embed = nn.Embedding(queries, dim)
        self.level_embed = nn.Embedding(len(in_channels), dim)
        self.layers = nn.ModuleList(
            JointLayer(dim, heads=heads, hidden=hidden) for _ in range(stages * len(in_channels))
        )
        for parameter in self.layers.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)

    @stage("motion decoder")
    def forward(self, queries: Float[Tensor, "b q d"], maps: Sequence[Tensor]) -> DecodedMotion:
        """`maps` of the motion encoder from coarse to fine; their widths are `in_channels`."""
        sizes = [map_size(x) for x in maps]
        levels = [
            to_tokens(proj(x)) + embed
            for proj, x, embed in zip(self.input_proj, maps, self.level_embed.weight, strict=True)
        ]
        positions = [sine_position(size, x.shape[-1], x).flatten(1).T for x, size in zip(levels, sizes, strict=True)]
        for index, layer in enumerate(self.layers):
            at = index % len(levels)
            joint = torch.cat((queries + self.query_embed.weight, levels[at] + positions[at]), dim=1)
            joint = layer(joint)
            queries, levels[at] = joint.split((queries.shape[1], levels[at].shape[1]), dim=1)
        return DecodedMotion(queries, [to_map(x, size) for x, size in zip(levels, sizes, strict=True)])
