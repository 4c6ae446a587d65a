"""The transformer block of MiT: attention to a reduced map, and an MLP that mixes neighbouring tokens."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mpvss.errors import UserError
from mpvss.layers import to_map, to_tokens

EPSILON = 1e-6
"""In the norms of blocks and of stage outputs; the others use PyTorch's 1e-5."""


class ReducedAttention(nn.Module):
    """Self-attention whose keys and values come from the map at 1/`reduction` of its size (Sec. 3.1)."""

    def __init__(self, dim: int, heads: int, reduction: int) -> None:
        super().__init__()
        if dim % heads:
            raise UserError(f"attention width {dim} is not a multiple of its {heads} heads")
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)
        self.reduce = nn.Conv2d(dim, dim, reduction, stride=reduction) if reduction > 1 else None
        self.reduce_norm = nn.LayerNorm(dim) if reduction > 1 else None

    def forward(self, x: Float[Tensor, "b n d"], size: tuple[int, int]) -> Float[Tensor, "b n d"]:
        """Attend from every token of a map of `size` (height, width)."""
        seen = x
        if self.reduce is not None and self.reduce_norm is not None:
            seen = self.reduce_norm(to_tokens(self.reduce(to_map(x, size))))
        key, value = self.key_value(seen).chunk(2, dim=-1)
        query, key, value = (t.unflatten(2, (self.heads, -1)).transpose(1, 2) for t in (self.query(x), key, value))
        attended = F.scaled_dot_product_attention(query, key, value)
        return self.out(attended.transpose(1, 2).flatten(2))


class MixMLP(nn.Module):
    """Two linear layers, between them a depthwise 3x3 convolution, which tells positions apart, and GELU."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.expand = nn.Linear(dim, hidden)
        self.depthwise = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.contract = nn.Linear(hidden, dim)

    def forward(self, x: Float[Tensor, "b n d"], size: tuple[int, int]) -> Float[Tensor, "b n d"]:
        mixed = self.depthwise(to_map(self.expand(x), size))
        return self.contract(F.gelu(to_tokens(mixed)))


class MixBlock(nn.Module):
    """Norm, attention, residual; norm, MLP, residual. In training a branch is dropped with probability `drop`."""

    def __init__(self, dim: int, heads: int, reduction: int, drop: float) -> None:
        super().__init__()
        self.drop = drop
        self.norm1 = nn.LayerNorm(dim, eps=EPSILON)
        self.attention = ReducedAttention(dim, heads, reduction)
        self.norm2 = nn.LayerNorm(dim, eps=EPSILON)
        self.mlp = MixMLP(dim, 4 * dim)

    def forward(self, x: Float[Tensor, "b n d"], size: tuple[int, int]) -> Float[Tensor, "b n d"]:
        x = x + self._maybe(self.attention(self.norm1(x), size))
        return x + self._maybe(self.mlp(self.norm2(x), size))

    def _maybe(self, branch: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """Stochastic depth: nothing for some images of a training batch, more of the others in return."""
        if not self.training or self.drop == 0:
            return branch
        kept = torch.rand(len(branch), 1, 1, device=branch.device) >= self.drop
        return branch * kept.to(branch.dtype) / (1 - self.drop)
