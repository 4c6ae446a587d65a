"""Multi-scale deformable attention: each token reads a few learned points on every map."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from scipy.sparse import csr_array
from torch import Tensor, nn

from mpvss.layers import constant

Sizes = list[tuple[int, int]]
"""(height, width) of each map, in the order their tokens are concatenated."""
Reader = Callable[[Tensor, Tensor], Tensor]
"""A function from queries, (B, Q, D), and their centres, (1, Q, 2), to what they read there, (B, Q, D)."""


class DeformableAttention(nn.Module):
    """Deformable attention over `levels` maps, `points` per head and map (Deformable DETR)."""

    def __init__(self, dim: int, *, heads: int, levels: int, points: int) -> None:
        """Make the projections; the points start around the centre.

        Args:
            dim: channels of the tokens.
            heads: attention heads, a divisor of `dim`.
            levels: how many maps are read.
            points: points that a head reads on each map.

        """
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

    def reader(self, tokens: Float[Tensor, "b n d"], sizes: Sizes, *, as_grid_sample: bool) -> Reader:
        """A function that reads the `tokens` of maps of `sizes` around the centres (x, y in 0..1) of queries.

        The two ways of reading give the same result.
        """
        value = self.value_proj(tokens).unflatten(2, (self.heads, -1))
        # Under autocast places stay float32, as tokens do, and what is read follows them.
        read = (_GridSample if as_grid_sample else _Lookup)(value.to(tokens.dtype), sizes, self.points)
        # Offsets are x, y in turn; taken apart here, so that each is worked on as one run of numbers.
        weight, bias = (
            torch.cat((offsets.unflatten(0, (-1, 2)).transpose(0, 1).flatten(0, 1), weights))
            for offsets, weights in zip(
                self.sampling_offsets.parameters(), self.attention_weights.parameters(), strict=True
            )
        )
        extents = _by_point([(width, height) for height, width in sizes], self.points, tokens.device)

        def read_around(query: Float[Tensor, "b q d"], centres: Float[Tensor, "1 q 2"]) -> Float[Tensor, "b q d"]:
            x_y_weight = F.linear(query, weight, bias).unflatten(2, (3, self.heads, -1))
            # In pixels of each level's grid, 0 at the centre of the first pixel.
            at = x_y_weight[:, :, :2] + (centres[..., None] * extents - 0.5)[:, :, :, None]
            return self.output_proj(read(at, _softmax(x_y_weight[:, :, 2]).to(at.dtype)))

        return read_around


def _softmax(x: Float[Tensor, "*b n"]) -> Float[Tensor, "*b n"]:
    """Softmax over the last axis; of a few numbers, torch's own takes four times as long on a CPU."""
    x = (x - x.amax(-1, keepdim=True)).exp()
    return x / x.sum(-1, keepdim=True)


def _by_point(of_levels: Iterable[tuple[int, ...]], points: int, device: torch.device) -> Int[Tensor, "k lp"]:
    """The k numbers of each level, for each of its points."""
    return constant(tuple(of_levels), device, torch.int64).T.repeat_interleave(points, dim=1)


class _GridSample:
    """One bilinear sampling per level, then the weighted sum: the reference."""

    def __init__(self, value: Float[Tensor, "b n m c"], sizes: Sizes, points: int) -> None:
        levels = value.split([height * width for height, width in sizes], dim=1)
        self.maps = [
            level.permute(0, 2, 3, 1).flatten(0, 1).unflatten(2, size)
            for level, size in zip(levels, sizes, strict=True)
        ]
        self.points = points

    def __call__(self, at: Float[Tensor, "b q 2 m lp"], weights: Float[Tensor, "b q m lp"]) -> Float[Tensor, "b q d"]:
        places = at.permute(0, 3, 1, 4, 2).flatten(0, 1).split(self.points, dim=2)  # (b·heads, q, points, 2) each
        sampled = []
        for level, place in zip(self.maps, places, strict=True):
            height, width = level.shape[-2:]
            grid = (2 * place + 1) / constant((width, height), place.device, place.dtype) - 1
            sampled.append(F.grid_sample(level, grid, mode="bilinear", padding_mode="zeros", align_corners=False))
        by_head = weights.transpose(1, 2).flatten(0, 1)[:, None]
        out = (torch.cat(sampled, dim=-1) * by_head).sum(-1)
        return out.unflatten(0, (at.shape[0], -1)).flatten(1, 2).transpose(1, 2)


class _Lookup:
    """Bilinear sampling as one weighted table look-up: every point is four rows of a table.

    Nothing of the size points x channels is ever stored. Each map stands in the table row by row among zeros: a pixel
    on the left, which is the right border of the row before, a row above and three below. A point outside of its map
    is brought to this border, and what it reads beyond that has weight 0.
    """

    def __init__(self, value: Float[Tensor, "b n m c"], sizes: Sizes, points: int) -> None:
        batch, _, heads, channels = value.shape
        levels = value.flatten(2).split([height * width for height, width in sizes], dim=1)
        bordered = [
            F.pad(level.unflatten(1, size), (0, 0, 1, 0, 1, 3)).flatten(1, 2)
            for level, size in zip(levels, sizes, strict=True)
        ]
        self.table = torch.cat(bordered, dim=1).view(-1, channels)
        starts = itertools.accumulate((level.shape[1] for level in bordered), initial=0)
        constants = [(w, h, w + 1, start + w + 2) for (h, w), start in zip(sizes, starts, strict=False)]
        *extents, strides, firsts = _by_point(constants, points, value.device)
        self.farthest = torch.stack(extents)[:, None].to(value.dtype)
        # From here on in rows of the table, one for each pixel and head.
        image, head = (torch.arange(count, device=value.device) for count in (batch, heads))
        image = image * (len(self.table) // batch)
        self.heads = heads
        self.strides = (strides * heads).expand(heads, -1).to(torch.int32, copy=True)
        self.firsts = (image[:, None, None, None] + head[:, None] + firsts * heads).to(torch.int32)

    def __call__(self, at: Float[Tensor, "b q 2 m lp"], weights: Float[Tensor, "b q m lp"]) -> Float[Tensor, "b q d"]:
        at = torch.minimum(at.clamp(min=-1), self.farthest)
        if at.is_cpu and at.requires_grad and at.dtype in (torch.float32, torch.float64):
            return _TrainedLookup.apply(self.table, at, weights, self.rows(at)).view(*at.shape[:2], -1)
        to_high = at - at.floor()
        left_share, top_share = (1 - to_high).unbind(2)
        right_share, bottom_share = to_high.unbind(2)
        top_share, bottom_share = top_share * weights, bottom_share * weights
        index = torch.stack(self.rows(at), dim=-1)
        shares = [share * side for share in (top_share, bottom_share) for side in (left_share, right_share)]
        bags = (index.shape[0] * index.shape[1] * self.heads, -1)
        out = F.embedding_bag(
            index.view(bags), self.table, per_sample_weights=torch.stack(shares, dim=-1).view(bags), mode="sum"
        )
        return out.view(*at.shape[:2], -1)

    def rows(self, at: Float[Tensor, "b q 2 m lp"]) -> tuple[Int[Tensor, "b q m lp"], ...]:
        """The rows of the table around each place: top left and right, bottom left and right."""
        x, y = at.floor().to(torch.int32).unbind(2)
        top = y * self.strides + x * self.heads + self.firsts
        bottom = top + self.strides
        return top, top + self.heads, bottom, bottom + self.heads


class _TrainedLookup(torch.autograd.Function):
    """The look-up on a CPU with gradients by two sparse products, in a third of the time of PyTorch's own."""

    @staticmethod
    def forward(
        ctx: Any, table: Tensor, at: Tensor, weights: Tensor, rows: tuple[Tensor, ...]
    ) -> Float[Tensor, "bags c"]:
        to_high = at - at.floor()
        left_share, top_share = (1 - to_high).unbind(2)
        right_share, bottom_share = to_high.unbind(2)
        top_share, bottom_share = top_share * weights, bottom_share * weights
        index = torch.stack(rows, dim=-2).flatten(-2).flatten(0, 2)
        shares = [share * side for share in (top_share, bottom_share) for side in (left_share, right_share)]
        shares = torch.stack(shares, dim=-2).view(index.shape)
        ctx.save_for_backward(table, index, shares, to_high, weights)
        return F.embedding_bag(index, table, per_sample_weights=shares, mode="sum")

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        table, index, shares, to_high, weights = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        bags, size = index.shape
        starts = np.arange(0, (bags + 1) * size, size, dtype=np.int32)
        matrix = csr_array((shares.view(-1).numpy(), index.view(-1).numpy(), starts), (bags, len(table)))
        of_table = torch.from_numpy(matrix.T @ gradient.numpy())
        # What each row that was read had to do with the gradient.
        read = sampled_product(gradient, table.T, torch.from_numpy(starts), index.view(-1))
        corners = read.view(*weights.shape[:3], 4, -1).unbind(-2)
        right_share, bottom_share = to_high.unbind(2)
        top, bottom = (torch.lerp(left, right, right_share) for left, right in (corners[:2], corners[2:]))
        of_x = torch.lerp(corners[1] - corners[0], corners[3] - corners[2], bottom_share)
        of_at = torch.stack((of_x, bottom - top), dim=2) * weights[:, :, None]
        return of_table, of_at, torch.lerp(top, bottom, bottom_share), None


def sampled_product(
    left: Float[Tensor, "b c"], right: Float[Tensor, "c n"], starts: Int[Tensor, " b1"], columns: Int[Tensor, " k"]
) -> Float[Tensor, " k"]:
    """Chosen numbers of a product: those of each row at `columns[starts[row] : starts[row + 1]]`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the format is new
        pattern = torch.sparse_csr_tensor(
            starts, columns, left.new_zeros(len(columns)), (len(left), right.shape[1]), check_invariants=False
        )
        return torch.sparse.sampled_addmm(pattern, left, right, beta=0.0).values()
