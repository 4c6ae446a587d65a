"""A layer of CFFM-VSS: coarser and finer summaries of the frames, attention to them, an MLP."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from baselines.cffm.attention import WindowedClipAttention
from baselines.cffm.windows import LEVELS, WINDOW, Pooled, pad_to_windows


class LearnedPool(nn.Module):
    """Squares of tokens become one each: a learned weighted sum over positions, the same for every channel."""

    def __init__(self, level: Pooled) -> None:
        super().__init__()
        self.level = level
        self.weight = nn.Parameter(torch.full((1, level.pool**2), 1 / level.pool**2))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x: Float[Tensor, "b h w d"]) -> Float[Tensor, "b p d"]:
        """The pooled tokens, row by row, of a map of whole windows, which is resized where squares do not fit them."""
        side, pool = self.level.side, self.level.pool
        if side != WINDOW:
            size = (x.shape[1] // WINDOW * side, x.shape[2] // WINDOW * side)
            x = F.interpolate(x.permute(0, 3, 1, 2), size, mode="bilinear", align_corners=False).permute(0, 2, 3, 1)
        squares = x.unflatten(2, (-1, pool)).unflatten(1, (-1, pool))
        return torch.einsum("biykxd,yx->bikd", squares, self.weight.view(pool, pool)).flatten(1, 2) + self.bias


class CoarseToFineLayer(nn.Module):
    """Norm, pooling, windowed attention, residual; norm, MLP, residual. The target alone is updated."""

    def __init__(self, dim: int, heads: int, *, lean: bool) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.pools = nn.ModuleList(LearnedPool(level) for level in LEVELS)
        self.attention = WindowedClipAttention(dim, heads, lean=lean)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.ModuleDict({"expand": nn.Linear(dim, 4 * dim), "contract": nn.Linear(4 * dim, dim)})

    def forward(
        self, target: Float[Tensor, "b h w d"], references: Sequence[Float[Tensor, "b h w d"]]
    ) -> Float[Tensor, "b h w d"]:
        """The target's map, updated from the references' maps, which are in time order."""
        height, width = target.shape[1:3]
        # The zeros of the padding come after the norm, and are keys like any other token.
        windows, *others = (pad_to_windows(self.norm1(x)) for x in (target, *references))
        pooled = [pool(x) for pool, x in zip(self.pools, (windows, *others), strict=True)]
        attended = self.attention(windows, torch.cat(pooled, dim=1))
        target = target + attended[:, :height, :width]
        return target + self.mlp["contract"](F.gelu(self.mlp["expand"](self.norm2(target))))
