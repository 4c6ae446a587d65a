"""Swin Transformer (windowed self-attention, every second block shifted by half a window)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from mpvss.layers import in_pieces


class WindowAttention(nn.Module):
    """Self-attention inside windows of `window` x `window` tokens, with a learned bias per relative position."""

    relative_position_index: Tensor

    def __init__(self, dim: int, window: int, heads: int) -> None:
        """Make the projections and the table of biases.

        Args:
            dim: channels of the tokens.
            window: side of a window, in tokens.
            heads: attention heads, a divisor of `dim`.

        """
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        nn.init.normal_(self.relative_position_bias_table, std=0.02)
        self.register_buffer("relative_position_index", _relative_position_index(window), persistent=False)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(
        self, windows: Float[Tensor, "b n t d"], blocked: Float[Tensor, "n t t"] | None
    ) -> Float[Tensor, "b n t d"]:
        """Attend inside each of the n windows of t tokens; `blocked` is added to each window's scores."""
        tokens, dim = windows.shape[2:]
        bias = self.relative_position_bias_table[self.relative_position_index.flatten()]
        bias = bias.view(tokens, tokens, self.heads).permute(2, 0, 1)

        def attend(windows: Float[Tensor, "b n t d"], blocked: Float[Tensor, "1 n t t"] | None = None) -> Tensor:
            batch, count = windows.shape[:2]
            qkv = self.qkv(windows).view(batch * count, tokens, 3, self.heads, dim // self.heads)
            q, k, v = qkv.permute(2, 0, 3, 1, 4)
            mask = bias[None] if blocked is None else (bias + blocked[0][:, None]).repeat(batch, 1, 1, 1)
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            return self.proj(out.transpose(1, 2).reshape(batch, count, tokens, dim))

        given = (windows,) if blocked is None else (windows, blocked[None])
        return in_pieces(attend, *given, width=3 * tokens * dim)


class SwinBlock(nn.Module):
    """Norm, window attention, residual; norm, MLP, residual."""

    def __init__(self, dim: int, heads: int, window: int, shift: int) -> None:
        """Make the block.

        Args:
            dim: channels of the tokens.
            heads: attention heads, a divisor of `dim`.
            window: side of a window, in tokens.
            shift: tokens by which windows are shifted to the right and down; 0: none.

        """
        super().__init__()
        self.window = window
        self.shift = shift
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, window, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(dim, 4 * dim), "fc2": nn.Linear(4 * dim, dim)})

    def forward(self, x: Float[Tensor, "b h w d"], blocked: Float[Tensor, "n t t"]) -> Float[Tensor, "b h w d"]:
        height, width = x.shape[1:3]
        windows, padded = _to_windows(self.norm1(x), self.window, self.shift)
        windows = self.attn(windows, blocked if self.shift else None)
        x = x + _from_windows(windows, padded, self.window, self.shift)[:, :height, :width]
        return in_pieces(self._feed_forward, x.flatten(1, 2), width=4 * x.shape[-1]).view_as(x)

    def _feed_forward(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        return x + self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x))))


class PatchMerging(nn.Module):
    """2x2 neighbouring tokens become one of twice the width."""

    def __init__(self, dim: int) -> None:
        """Make the norm and the projection.

        Args:
            dim: channels of the tokens that are merged.

        """
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Float[Tensor, "b h w d"]) -> Float[Tensor, "b hh hw dd"]:
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        corners = (x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2])
        return self.reduction(self.norm(torch.cat(corners, dim=-1)))


class SwinStage(nn.Module):
    """Blocks at one resolution, then the merging into the next, where there is one."""

    def __init__(self, dim: int, depth: int, heads: int, window: int, merges: bool) -> None:
        """Make the blocks.

        Args:
            dim: channels of the tokens.
            depth: how many blocks.
            heads: attention heads, a divisor of `dim`.
            window: side of a window, in tokens.
            merges: end with the merging into the next stage.

        """
        super().__init__()
        self.window = window
        shifts = (0 if index % 2 == 0 else window // 2 for index in range(depth))
        self.blocks = nn.ModuleList(SwinBlock(dim, heads, window, shift) for shift in shifts)
        self.downsample = PatchMerging(dim) if merges else nn.Identity()

    def forward(self, x: Float[Tensor, "b h w d"]) -> tuple[Tensor, Tensor]:
        """The stage's output, and the next stage's input."""
        blocked = _shift_mask(x, self.window, self.window // 2)
        for block in self.blocks:
            x = block(x, blocked)
        return x, self.downsample(x)


class SwinTransformer(nn.Module):
    """A Swin backbone: maps at 1/4, 1/8, 1/16 and 1/32 of the image, each normed."""

    def __init__(self, *, embed_dim: int, depths: Sequence[int], heads: Sequence[int], window: int) -> None:
        """Make the stages.

        Args:
            embed_dim: channels of the first stage; each later one has twice as many.
            depths: blocks in each stage.
            heads: attention heads in each stage.
            window: side of a window, in tokens.

        """
        super().__init__()
        self.out_channels = tuple(embed_dim << index for index in range(len(depths)))
        self.patch_embed = nn.ModuleDict(
            {"proj": nn.Conv2d(3, embed_dim, 4, stride=4), "norm": nn.LayerNorm(embed_dim)}
        )
        last = len(depths) - 1
        self.layers = nn.ModuleList(
            SwinStage(dim, depth, head_count, window, merges=index < last)
            for index, (dim, depth, head_count) in enumerate(zip(self.out_channels, depths, heads, strict=True))
        )
        for index, dim in enumerate(self.out_channels):
            self.add_module(f"norm{index}", nn.LayerNorm(dim))
        self.apply(_init_linear)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        """Maps from fine to coarse, of a normalised image whose sides are multiples of 4."""
        x = self.patch_embed["norm"](self.patch_embed["proj"](image).permute(0, 2, 3, 1))
        maps = []
        for index, stage in enumerate(self.layers):
            out, x = stage(x)
            maps.append(self.get_submodule(f"norm{index}")(out).permute(0, 3, 1, 2))
        return maps


def _init_linear(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _relative_position_index(window: int) -> Int[Tensor, "t t"]:
    """The row of the bias table that each pair of a window's tokens takes."""
    at = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
    rows, columns = at[:, :, None] - at[:, None] + window - 1
    return rows * (2 * window - 1) + columns


def _to_windows(x: Float[Tensor, "b h w d"], window: int, shift: int) -> tuple[Tensor, tuple[int, int]]:
    """Pad to whole windows, roll by `shift` and cut up: (B, windows, tokens, D), and the padded size."""
    batch, height, width, dim = x.shape
    x = F.pad(x, (0, 0, 0, -width % window, 0, -height % window))
    padded = (x.shape[1], x.shape[2])
    if shift:
        x = x.roll((-shift, -shift), (1, 2))
    x = x.view(batch, padded[0] // window, window, padded[1] // window, window, dim)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(batch, -1, window * window, dim), padded


def _from_windows(windows: Float[Tensor, "b n t d"], padded: tuple[int, int], window: int, shift: int) -> Tensor:
    """The map that `_to_windows` cut up, whole again, at the padded size."""
    batch, dim = windows.shape[0], windows.shape[-1]
    x = windows.view(batch, padded[0] // window, padded[1] // window, window, window, dim)
    x = x.permute(0, 1, 3, 2, 4, 5).reshape(batch, *padded, dim)
    return x.roll((shift, shift), (1, 2)) if shift else x


def _shift_mask(x: Float[Tensor, "b h w d"], window: int, shift: int) -> Float[Tensor, "n t t"]:
    """−100 between tokens of one rolled window that were not neighbours before the roll, else 0."""
    height, width = (-(-extent // window) * window for extent in x.shape[1:3])
    regions = []
    for extent in (height, width):
        region = torch.zeros(extent, device=x.device)
        region[-window:] = 1
        region[-shift:] = 2
        regions.append(region)
    region = (3 * regions[0][:, None] + regions[1])[None, :, :, None]
    ids = _to_windows(region, window, 0)[0][0, :, :, 0]
    return (ids[:, :, None] != ids[:, None]).to(x.dtype) * -100.0
