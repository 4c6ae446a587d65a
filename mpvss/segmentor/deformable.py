"""Multi-scale deformable attention: each token reads a few learned points on every map."""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int32
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
        weights = self.attention_weights(query).view(batch, count, self.heads, -1).softmax(-1)
        # The layer's outputs are x, y in turn; taken apart here, so that each is worked on as one run of numbers.
        taken_apart = [
            parameter.unflatten(0, (-1, 2)).transpose(0, 1).flatten(0, 1)
            for parameter in (self.sampling_offsets.weight, self.sampling_offsets.bias)
        ]
        offsets = F.linear(query, *taken_apart).unflatten(2, (2, self.heads, -1))
        extents = torch.tensor([(width, height) for height, width in sizes], device=query.device)
        extents = extents.T.repeat_interleave(self.points, dim=1)  # (2, levels·points)
        # In pixels of each level's grid, 0 at the centre of the first pixel. Under autocast these stay float32, and
        # what is read follows them.
        at = offsets + (centres[:, :, None] * extents - 0.5)[:, :, None]
        read = _read_by_grid_sample if as_grid_sample else _read_by_lookup
        return self.output_proj(read(value.to(at.dtype), at, weights.to(at.dtype), sizes))


def _read_by_grid_sample(
    value: Float[Tensor, "b n m c"],
    at: Float[Tensor, "b n 2 m lp"],
    weights: Float[Tensor, "b n m lp"],
    sizes: Sizes,
) -> Float[Tensor, "b n d"]:
    """One bilinear sampling per level, then the weighted sum: the reference."""
    batch, count, heads, channels = value.shape
    values = value.split([height * width for height, width in sizes], dim=1)
    locations = at.permute(0, 3, 1, 4, 2).flatten(0, 1).chunk(len(sizes), dim=2)  # (b·heads, n, points, 2) each
    sampled = []
    for level, location, (height, width) in zip(values, locations, sizes, strict=True):
        level = level.permute(0, 2, 3, 1).reshape(batch * heads, channels, height, width)
        grid = (2 * location + 1) / location.new_tensor([width, height]) - 1
        sampled.append(F.grid_sample(level, grid, mode="bilinear", padding_mode="zeros", align_corners=False))
    by_head = weights.transpose(1, 2).flatten(0, 1)[:, None]
    out = (torch.cat(sampled, dim=-1) * by_head).sum(-1)
    return out.view(batch, heads * channels, count).transpose(1, 2)


def _read_by_lookup(
    value: Float[Tensor, "b n m c"],
    at: Float[Tensor, "b n 2 m lp"],
    weights: Float[Tensor, "b n m lp"],
    sizes: Sizes,
) -> Float[Tensor, "b n d"]:
    """The same as one weighted table look-up: every point is four rows of `value`, outside ones weighted 0.

    Nothing of the size points x channels is ever stored.
    """
    batch, count, heads, channels = value.shape
    starts = itertools.accumulate((height * width for height, width in sizes[:-1]), initial=0)
    constants = [(width, height, start) for (height, width), start in zip(sizes, starts, strict=True)]
    by_point = torch.tensor(constants, device=at.device, dtype=torch.int32).T
    by_point = by_point.repeat_interleave(at.shape[-1] // len(sizes), dim=1)
    widths, heights, start = by_point.repeat(1, heads).unflatten(1, (heads, -1))
    image = torch.arange(batch, device=at.device, dtype=torch.int32).view(-1, 1, 1, 1) * count
    head = torch.arange(heads, device=at.device, dtype=torch.int32)[:, None]
    x, y = (_neighbours(axis, extent) for axis, extent in ((at[:, :, 0], widths), (at[:, :, 1], heights)))
    rows = [((index * widths + start + image) * heads + head, share * weights) for index, share in y]
    columns = [(index * heads, share) for index, share in x]
    index = torch.stack([row + column for row, _ in rows for column, _ in columns], dim=-1)
    factor = torch.stack([row * column for _, row in rows for _, column in columns], dim=-1)
    bags = (batch * count * heads, -1)
    out = F.embedding_bag(
        index.view(bags), value.reshape(-1, channels), per_sample_weights=factor.view(bags), mode="sum"
    )
    return out.view(batch, count, heads * channels)


def _neighbours(at: Float[Tensor, "b n m lp"], extent: Int32[Tensor, "m lp"]) -> list[tuple[Tensor, Tensor]]:
    """The two grid lines around each coordinate, clamped to the grid, and their shares; 0 for one outside it."""
    low = at.floor()
    share_high = at - low
    both = []
    low = low.to(torch.int32)
    for line, share in ((low, 1 - share_high), (low + 1, share_high)):
        inside = line.clamp(torch.zeros_like(extent), extent - 1)
        both.append((inside, share.masked_fill_(inside != line, 0)))
    return both
