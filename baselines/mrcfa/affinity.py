"""Affinities between a target and a reference at three scales, of the reference tokens that matter most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from baselines.mrcfa.refine import AffinityRefiner
from baselines.segformer.head import upsample
from mpvss.layers import in_pieces, map_size, to_map, to_tokens

STRONGEST = 5
"""How many of a reference token's affinities say how much it matters."""


@dataclass(frozen=True)
class ReferenceTokens:
    """What the target is compared with. Tokens are row by row."""

    keys: tuple[Float[Tensor, "b n i"], Float[Tensor, "b n j"], Float[Tensor, "b m k"]]
    """At 1/8, 1/16 and 1/32 of the target's scales, the first two brought to the tokens' grid."""
    values: Float[Tensor, "b n d"]
    grid: tuple[int, int]
    """Height and width of the tokens' grid."""
    coarse_grid: tuple[int, int]
    """The same of the last keys, at 1/32."""

    def on_grid(self, coarse: Float[Tensor, "b m t"]) -> Float[Tensor, "b n t"]:
        """What is known of each token at 1/32, upsampled bilinearly to the tokens' grid where that is finer."""
        if self.coarse_grid == self.grid:
            return coarse
        return to_tokens(upsample(to_map(coarse, self.coarse_grid), self.grid))


class CrossFrameAffinity(nn.Module):
    """Query-key products, the selection of reference tokens, and the refinement of what is left."""

    def __init__(self, channels: Sequence[int], *, kept: float, deep: bool) -> None:
        """`channels` of the maps at 1/8, 1/16, 1/32; `kept`: the share of reference tokens that are selected."""
        super().__init__()
        self.kept = kept
        self.query = nn.ModuleList(nn.Linear(width, width) for width in channels)
        self.key = nn.ModuleList(nn.Linear(width, width) for width in channels)
        self.refiner = AffinityRefiner(deep=deep)

    def keys(self, maps: Sequence[Float[Tensor, "b _c _h _w"]]) -> list[Tensor]:
        """The keys (B, tokens, channels) of a reference's three maps."""
        return [key(to_tokens(level)) for key, level in zip(self.key, maps, strict=True)]

    def queries(self, maps: Sequence[Float[Tensor, "b _c _h _w"]]) -> list[Tensor]:
        """The queries, maps like those of the target that they are of."""
        return [to_map(query(to_tokens(level)), map_size(level)) for query, level in zip(self.query, maps, strict=True)]

    def forward(
        self, queries: Sequence[Float[Tensor, "b _c _h _w"]], reference: ReferenceTokens
    ) -> tuple[Float[Tensor, "b k t"], Int[Tensor, "b k"]]:
        """The shares of the selected tokens in each of the target's pixels at 1/8, and which tokens they are."""
        coarse = reference.keys[2] @ queries[2].flatten(2)
        selected = self.select(coarse, reference)
        levels = [_rows(reference.on_grid(coarse), selected)]
        for query, key in zip(queries[1::-1], reference.keys[1::-1], strict=True):
            levels.append(_rows(key, selected) @ query.flatten(2))
        sizes = [map_size(query) for query in queries]

        def refine(*levels: Float[Tensor, "b k _t"]) -> Float[Tensor, "b k t"]:
            images = [
                level.flatten(0, 1)[:, None].unflatten(2, size) for level, size in zip(levels, sizes, strict=True)
            ]
            return self.refiner(*images).view_as(levels[0])

        width = 4 * queries[0].shape[0] * levels[-1].shape[2]
        return in_pieces(refine, *levels[::-1], width=width).softmax(1), selected

    def select(self, coarse: Float[Tensor, "b m t"], reference: ReferenceTokens) -> Int[Tensor, "b k"]:
        """The tokens whose strongest affinities at 1/32 sum to the most, row by row.

        The sums are found at 1/32, and upsampled where the tokens' grid is finer.
        """
        sums = coarse.topk(min(STRONGEST, coarse.shape[2]), dim=2).values.sum(2, keepdim=True)
        strength = reference.on_grid(sums)[..., 0]
        count = max(1, int(strength.shape[1] * self.kept))
        return strength.topk(count, dim=1).indices.sort(1).values


def _rows(x: Float[Tensor, "b n t"], at: Int[Tensor, "b k"]) -> Float[Tensor, "b k t"]:
    return torch.take_along_dim(x, at[..., None], dim=1)
