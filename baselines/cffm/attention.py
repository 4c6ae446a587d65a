"""Attention from a window of the target to what is near it, in finer and coarser tokens of four frames."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from baselines.cffm.windows import LEVELS, NEIGHBOURS, TOKENS, WINDOW, relative_positions, seen_tokens
from mpvss.errors import UserError
from mpvss.layers import in_pieces

OUTSIDE = -100.0
"""Added to the scores of tokens outside the map."""


class WindowedClipAttention(nn.Module):
    """Queries are the target's tokens, window by window; keys and values come from all tokens of `seen_tokens`."""

    def __init__(self, dim: int, heads: int, *, lean: bool) -> None:
        """`lean`: pooled tokens, which ask nothing, get no queries."""
        super().__init__()
        if dim % heads:
            raise UserError(f"attention width {dim} is not a multiple of its {heads} heads")
        self.heads = heads
        self.lean = lean
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.own_bias = nn.Parameter(torch.empty((2 * WINDOW - 1) ** 2, heads))
        self.neighbour_bias = nn.Parameter(torch.empty(1, heads, TOKENS, NEIGHBOURS))
        self.level_bias = nn.ParameterList(
            nn.Parameter(torch.empty(heads, (WINDOW + level.seen - 1) ** 2)) for level in LEVELS
        )
        for table in (self.own_bias, self.neighbour_bias, *self.level_bias):
            nn.init.normal_(table, std=0.02)

    def forward(self, target: Float[Tensor, "b h w d"], pooled: Float[Tensor, "b p d"]) -> Float[Tensor, "b h w d"]:
        """`target` is a map of whole windows; `pooled` holds the tokens of one of `LEVELS` after another."""
        batch, height, width, dim = target.shape
        rows, columns = height // WINDOW, width // WINDOW
        numbers, outside = seen_tokens(rows, columns, target.device)
        queries, keys_values = self._project(target.flatten(1, 2), pooled)
        bias = self._bias()

        def attend(numbers: Int[Tensor, "1 n k"], outside: Bool[Tensor, "1 n k"]) -> Float[Tensor, "b n t d"]:
            count = numbers.shape[1]
            query = queries[:, numbers[0, :, :TOKENS]].view(batch * count, TOKENS, self.heads, -1)
            seen = keys_values[:, numbers[0]].view(batch * count, -1, 2, self.heads, dim // self.heads)
            key, value = seen.permute(2, 0, 3, 1, 4)
            mask = bias + OUTSIDE * outside[0, :, None, None, :].to(bias.dtype)
            mask = mask if batch == 1 else mask.repeat(batch, 1, 1, 1)
            found = F.scaled_dot_product_attention(query.transpose(1, 2), key, value, attn_mask=mask)
            return found.transpose(1, 2).reshape(batch, count, TOKENS, dim)

        per_window = 2 * numbers.shape[1] * max(dim, self.heads * TOKENS)
        windows = in_pieces(attend, numbers[None], outside[None], width=per_window)
        whole = windows.view(batch, rows, columns, WINDOW, WINDOW, dim).transpose(2, 3).reshape(target.shape)
        return self.out(whole)

    def _project(
        self, target: Float[Tensor, "b n d"], pooled: Float[Tensor, "b p d"]
    ) -> tuple[Float[Tensor, "b n d"], Float[Tensor, "b m d2"]]:
        """The target's queries; keys and values, side by side, of all tokens and of a last one that holds zeros."""
        dim, count = target.shape[2], target.shape[1]
        if self.lean:
            of_target = self.qkv(target)
            of_pooled = F.linear(pooled, self.qkv.weight[dim:], self.qkv.bias[dim:])
            parts = (of_target[..., dim:], of_pooled)
        else:
            everything = self.qkv(torch.cat((target, pooled), dim=1))
            of_target, parts = everything[:, :count], (everything[..., dim:],)
        nothing = target.new_zeros(target.shape[0], 1, 2 * dim, dtype=of_target.dtype)
        return of_target[..., :dim], torch.cat((*parts, nothing), dim=1)

    def _bias(self) -> Float[Tensor, "heads t k"]:
        """What is added to a window's scores, by query and key."""
        device = self.own_bias.device
        own = self.own_bias.T[:, relative_positions(WINDOW, device)]
        squares = [
            table[:, relative_positions(level.seen, device)]
            for table, level in zip(self.level_bias, LEVELS, strict=True)
        ]
        return torch.cat((own, self.neighbour_bias[0], *squares), dim=2)
