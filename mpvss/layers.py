"""Layers the query decoder, the motion decoder and the flow head share."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from mpvss.errors import UserError

CACHED, ELSEWHERE = 1 << 20, 1 << 26
"""Numbers worked on at once: on a CPU what stays in a cache, as float32 4 MiB; on other devices 256 MiB."""


def count_at_once(device: torch.device, width: int) -> int:
    """How many members of a sequence are worked on at once, where each takes `width` numbers on the way; 1 or more.

    A CPU is fastest where these numbers stay in its cache. On other devices each operator is a kernel that takes time
    to start, so that few large ones are fastest, as far as memory goes.
    """
    return max(1, (CACHED if device.type == "cpu" else ELSEWHERE) // width)


def in_pieces(function: Callable[..., Tensor], *sequences: Shaped[Tensor, "_ n *_"], width: int) -> Tensor:
    """The result of a function of sequences whose members do not see each other, of as many at a time as are fast.

    Members lie along the second axis; `function` makes `width` numbers for each on its way.
    """
    count = count_at_once(sequences[0].device, width)
    if sequences[0].shape[1] <= count:
        return function(*sequences)
    pieces = zip(*(sequence.split(count, dim=1) for sequence in sequences), strict=True)
    return torch.cat([function(*piece) for piece in pieces], dim=1)


Made = TypeVar("Made")


def made_once(function: Callable[..., Made], most: int = 256) -> Callable[..., Made]:
    """The function, which makes one tensor or several from hashable arguments; what it made is kept, `most` at a time.

    Stand-ins for tensors, as under PyTorch's modes that trace without numbers, are of no use later and are not kept.
    """
    kept: dict[tuple[Hashable, ...], Made] = {}

    @functools.wraps(function)
    def made(*arguments: Hashable) -> Made:
        if arguments in kept:
            return kept[arguments]
        found = function(*arguments)
        if all(type(tensor) is Tensor for tensor in (found if isinstance(found, tuple) else (found,))):
            while len(kept) >= most:
                kept.pop(next(iter(kept)))
            kept[arguments] = found
        return found

    return made


@made_once
def constant(values: Hashable, device: torch.device, dtype: torch.dtype) -> Tensor:
    """A tensor of `values`, nested tuples of numbers: copied to the device once, so that a CUDA graph can hold it.

    It is shared and must not be changed.
    """
    with torch.inference_mode(False):
        return torch.tensor(values, device=device, dtype=dtype)


class MLP(nn.Module):
    """Linear layers of the widths given, ReLU between them; on the last axis."""

    def __init__(self, widths: Sequence[int]) -> None:
        """Make one layer between each width and the next.

        Args:
            widths: channels of the input, of each hidden layer and of the output.

        """
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))

    @property
    def last(self) -> nn.Linear:
        """The layer no ReLU follows."""
        layer = self.layers[-1]
        assert isinstance(layer, nn.Linear)
        return layer

    def hidden(self, x: Float[Tensor, "*shape i"]) -> Float[Tensor, "*shape h"]:
        """The input of the last linear layer."""
        *hidden, _ = self.layers
        for layer in hidden:
            x = F.relu_(layer(x))
        return x

    def forward(self, x: Float[Tensor, "*shape i"]) -> Float[Tensor, "*shape o"]:
        return self.last(self.hidden(x))


class MultiheadAttention(nn.Module):
    """Scaled dot-product attention of several heads, batch first, with `torch.nn.MultiheadAttention`'s weights."""

    def __init__(self, dim: int, heads: int) -> None:
        """Make the projections.

        Args:
            dim: channels of queries, keys, values and the result.
            heads: how many heads share them.

        Raises:
            UserError: `dim` is not a multiple of `heads`.

        """
        super().__init__()
        if dim % heads:
            raise UserError(f"attention width {dim} is not a multiple of its {heads} heads")
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * dim, dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * dim))
        self.out_proj = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Float[Tensor, "b q d"],
        key: Float[Tensor, "b k d"],
        value: Float[Tensor, "b k d"],
        allowed: Bool[Tensor, "b q k"] | None = None,
    ) -> Float[Tensor, "b q d"]:
        """Attend from `query` to the keys that `allowed` marks (all, where it is None)."""
        batch, length, dim = query.shape
        if query is key and key is value:
            q, k, v = F.linear(query, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        else:
            weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
            q, k, v = (F.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True))
        q, k, v = (x.view(batch, -1, self.heads, dim // self.heads).transpose(1, 2) for x in (q, k, v))
        mask = None if allowed is None else allowed[:, None]
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out_proj(out.transpose(1, 2).reshape(batch, length, dim))


class SelfAttentionBlock(nn.Module):
    """Self-attention, residual, norm. `position` goes to queries and keys, not to values."""

    def __init__(self, dim: int, heads: int) -> None:
        """Make the block.

        Args:
            dim: channels of the sequence.
            heads: attention heads, a divisor of `dim`.

        """
        super().__init__()
        self.attention = MultiheadAttention(dim, heads)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Float[Tensor, "b n d"], position: Float[Tensor, "n d"] | None = None) -> Tensor:
        at = x if position is None else x + position
        return self.norm(x + self.attention(at, at, x))


class CrossAttentionBlock(nn.Module):
    """Attention from queries to a map's tokens, residual, norm."""

    def __init__(self, dim: int, heads: int) -> None:
        """Make the block.

        Args:
            dim: channels of the sequence.
            heads: attention heads, a divisor of `dim`.

        """
        super().__init__()
        self.attention = MultiheadAttention(dim, heads)
        self.norm = nn.LayerNorm(dim)

    def forward(
        self,
        x: Float[Tensor, "b q d"],
        keys: Float[Tensor, "b k d"],
        values: Float[Tensor, "b k d"],
        allowed: Bool[Tensor, "b q k"],
        position: Float[Tensor, "q d"],
    ) -> Float[Tensor, "b q d"]:
        return self.norm(x + self.attention(x + position, keys, values, allowed))


class FeedForwardBlock(nn.Module):
    """Two linear layers with ReLU between, residual, norm."""

    def __init__(self, dim: int, hidden: int) -> None:
        """Make the block.

        Args:
            dim: channels of the sequence.
            hidden: channels between the two layers.

        """
        super().__init__()
        self.linear1 = nn.Linear(dim, hidden)
        self.linear2 = nn.Linear(hidden, dim)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        return self.norm(x + self.linear2(F.relu_(self.linear1(x))))


def sine_position(size: tuple[int, int], dim: int, like: Tensor) -> Float[Tensor, "dim h w"]:
    """Two-dimensional sine position code of DETR, rows in the first half of the channels, columns in the second.

    Coordinates run from 1/n to 1 and are scaled to 2π; temperature 10,000. Device and type are those of `like`.
    """
    half = dim // 2
    channel = torch.arange(half, device=like.device, dtype=torch.float32)
    period = 10000 ** (2 * (channel // 2) / half)
    codes = []
    for extent in size:
        at = torch.arange(1, extent + 1, device=like.device, dtype=torch.float32)
        angle = (at / (extent + 1e-6) * 2 * math.pi)[:, None] / period
        codes.append(torch.stack((angle[:, 0::2].sin(), angle[:, 1::2].cos()), dim=-1).flatten(1))
    rows, columns = codes
    height, width = size
    code = torch.cat((rows[:, None].expand(height, width, half), columns[None].expand(height, width, half)), dim=-1)
    return code.permute(2, 0, 1).to(like.dtype)


def map_size(x: Tensor) -> tuple[int, int]:
    """Height and width of a map, its last two axes."""
    return x.shape[-2], x.shape[-1]


def to_tokens(feature_map: Float[Tensor, "b c h w"]) -> Float[Tensor, "b n c"]:
    """A map as a sequence of its pixels, row by row."""
    return feature_map.flatten(2).transpose(1, 2)


def to_map(tokens: Float[Tensor, "b n c"], size: tuple[int, int]) -> Float[Tensor, "b c h w"]:
    """A row-by-row sequence of pixels as a map of `size` (height, width)."""
    return tokens.transpose(1, 2).unflatten(2, size)
