"""Deformable convolution (Dai et al., ICCV 2017): each tap reads where an offset says."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mpvss.errors import UserError
from mpvss.layers import constant

TAPS = 9


class DeformableConv(nn.Module):
    """A dilated 3x3 convolution without bias; each group of channels has its own offsets, zero at first.

    Offsets are (y, x) for each tap of each group. Outside the map is zero.
    """

    def __init__(self, channels: int, *, dilation: int = 2, groups: int = 4) -> None:
        super().__init__()
        if channels % groups:
            raise UserError(f"{channels} channels are no multiple of {groups} groups")
        self.dilation, self.groups = dilation, groups
        self.weight = nn.Parameter(torch.empty(channels, channels, 3, 3))
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        self.offset = nn.Conv2d(channels, 2 * TAPS * groups, 3, padding=dilation, dilation=dilation)
        nn.init.zeros_(self.offset.weight)
        nn.init.zeros_(self.offset.bias)  # type: ignore[arg-type]

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        batch, channels, height, width = x.shape
        offsets = self.offset(x).reshape(batch * self.groups, TAPS, 2, height, width)
        grouped = x.reshape(batch * self.groups, channels // self.groups, height, width)
        rows = torch.arange(height, device=x.device, dtype=x.dtype)[:, None]
        columns = torch.arange(width, device=x.device, dtype=x.dtype)
        size = constant((width, height), x.device, x.dtype)
        out = None
        for tap in range(TAPS):
            down, right = (self.dilation * (step - 1) for step in divmod(tap, 3))
            at = torch.stack((columns + right + offsets[:, tap, 1], rows + down + offsets[:, tap, 0]), dim=-1)
            # Pixel i lies at (2i + 1) / n - 1 in the sampler's units.
            read = F.grid_sample(grouped, (2 * at + 1) / size - 1, align_corners=False)
            part = F.conv2d(read.view_as(x), self.weight[:, :, tap // 3, tap % 3, None, None])
            out = part if out is None else out + part
        assert out is not None
        return out
