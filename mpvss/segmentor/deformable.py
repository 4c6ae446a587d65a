"""Multi-scale deformable attention: each token reads a few learned points on every map."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Sizes = list[tuple[int, int]]
"""(height, width) of each map, in the order their tokens are concatenated."""


class DeformableAttention(nn.Module):
    """Deformable attention over `levels` maps, `points` per head and map (Deformable DETR)."""

    def __init__(self, dim: int, *, heads: int, levels: int, points: int) -> None:
        super().__init__()
        self.heads, self.levels, self.points = heads, levels, points
        self.sampling_offsets = nn.Linear(dim, heads * levels * points * 2)
        self.attention_weights = nn.Linear(dim, heads * levels * points)
        self.value_proj = nn.Linear(dim, dim)
        self.output_proj = nn.Linear(dim, dim)
        self._init()

    def _init(self) -> None:
        """Each head starts looking in a direction of its own, its points one pixel apart, all weighted alike."""
        angle = torch.arange(self.heads) * (2 * math.pi / self.heads)
        direction = torch.stack((angle.cos(), angle.sin()), dim=-1)
        direction = direction / direction.abs().amax(-1, keepdim=True)
        steps = torch.arange(1, self.points + 1)[:, None]
        start = (direction[:, None, None] * steps).expand(-1, self.levels, -1, -1)
        nn.init.zeros_(self.sampling_offsets.weight)
        with torch.no_grad():
            self.sampling_offsets.bias.copy_(start.flatten())
        nn.init.zeros_(self.attention_weights.weight)
        nn.init.zeros_(self.attention_weights.bias)
        for projection in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(projection.weight)
            nn.init.zeros_(projection.bias)

    def forward(
        self,
        query: Float[Tensor, "b n d"],
        tokens: Float[Tensor, "b n d"],
        centres: Float[Tensor, "n 2"],
        sizes: Sizes,
        *,
        as_grid_sample: bool,
    ) -> Float[Tensor, "b n d"]:
        """Each token reads around its centre (x, y in 0..1). The two ways of reading give the same result."""
        batch, count, dim = query.shape
        value = self.value_proj(tokens).view(batch, count, self.heads, dim // self.heads)
        shape = (batch, count, self.heads, self.levels, self.points)
        offsets = self.sampling_offsets(query).view(*shape, 2)
        weights = self.attention_weights(query).view(*shape[:3], -1).softmax(-1).view(shape)
        extents = offsets.new_tensor([(width, height) for height, width in sizes])
        # In pixels of each level's grid, 0 at the centre of the first pixel.
        at = centres[:, None, None, None] * extents[:, None] - 0.5 + offsets
        read = _read_by_grid_sample if as_grid_sample else _read_by_lookup
        return self.output_proj(read(value, at, weights, sizes))


def _read_by_grid_sample(
    value: Float[Tensor, "b n m c"],
    at: Float[Tensor, "b n m l p 2"],
    weights: Float[Tensor, "b n m l p"],
    sizes: Sizes,
) -> Float[Tensor, "b n d"]:
    """One bilinear sampling per level, then the weighted sum: the reference."""
    batch, count, heads, channels = value.shape
    levels = value.split([height * width for height, width in sizes], dim=1)
    sampled = []
    for index, (level, (height, width)) in enumerate(zip(levels, sizes, strict=True)):
        level = level.permute(0, 2, 3, 1).reshape(batch * heads, channels, height, width)
        grid = (2 * at[:, :, :, index] + 1) / at.new_tensor([width, height]) - 1
        grid = grid.transpose(1, 2).flatten(0, 1)
        sampled.append(F.grid_sample(level, grid, mode="bilinear", padding_mode="zeros", align_corners=False))
    stacked = torch.cat(sampled, dim=-1)  # (b·heads, channels, n, levels·points)
    by_head = weights.transpose(1, 2).reshape(batch * heads, 1, count, -1)
    out = (stacked * by_head).sum(-1)
    return out.view(batch, heads * channels, count).transpose(1, 2)


def _read_by_lookup(
    value: Float[Tensor, "b n m c"],
    at: Float[Tensor, "b n m l p 2"],
    weights: Float[Tensor, "b n m l p"],
    sizes: Sizes,
) -> Float[Tensor, "b n d"]:
    """The same as one weighted table look-up: every point is four rows of `value`, outside ones weighted 0.

    Nothing of the size points x channels is ever stored.
    """
    batch, count, heads, channels = value.shape
    extents = torch.tensor([(width, height) for height, width in sizes], device=at.device)
    starts = torch.tensor([0, *(height * width for height, width in sizes[:-1])], device=at.device).cumsum(0)
    low = at.floor()
    fraction = at - low
    low = low.to(torch.int32)
    high = low + 1
    ends = extents[:, None].to(torch.int32) - 1
    # The share of either neighbour, on each axis; nothing for one outside the map.
    share_low = (1 - fraction).masked_fill_((low < 0) | (low > ends), 0)
    share_high = fraction.masked_fill_((high < 0) | (high > ends), 0)
    zero = ends.new_zeros(())
    low, high = low.clamp_(zero, ends), high.clamp_(zero, ends)

    image = torch.arange(batch, device=at.device, dtype=torch.int32).view(-1, 1, 1, 1, 1) * count
    base = starts.to(torch.int32)[:, None] + image
    head = torch.arange(heads, device=at.device, dtype=torch.int32).view(-1, 1, 1)
    width = extents[:, :1].to(torch.int32)
    rows = [(y[..., 1] * width + base) * heads + head for y in (low, high)]
    columns = [x[..., 0] * heads for x in (low, high)]
    by_row = [share[..., 1] * weights for share in (share_low, share_high)]
    by_column = [share_low[..., 0], share_high[..., 0]]
    index = torch.stack([r + c for r in rows for c in columns], dim=-1)
    factor = torch.stack([r * c for r in by_row for c in by_column], dim=-1)
    bags = (batch * count * heads, -1)
    out = F.embedding_bag(
        index.view(bags), value.reshape(-1, channels), per_sample_weights=factor.view(bags), mode="sum"
    )
    return out.view(batch, count, heads * channels)
