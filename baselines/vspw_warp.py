"""The warp of the VSPW authors' programs, which NetWarp's and ETC's weights were trained with."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from mpvss.layers import constant
from mpvss.stages import stage


@stage("warp")
def vspw_warp(source: Float[Tensor, "b c h w"], flow: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b c h w"]:
    """Sample `source` at every pixel plus its flow, bilinearly, with zeros outside.

    Positions are normalised as if corners were aligned and sampled as if not. So a zero flow is not the identity: it
    enlarges the picture by n / (n − 1) about its centre and mixes its border with zeros.
    """
    height, width = source.shape[2:]
    span = constant((max(width - 1, 1), max(height - 1, 1)), flow.device, flow.dtype).view(2, 1, 1)
    x = torch.arange(width, device=flow.device, dtype=flow.dtype).expand(height, -1)
    y = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None].expand(-1, width)
    grid = 2 * (torch.stack((x, y)) + flow) / span - 1
    return F.grid_sample(source, grid.movedim(1, -1), align_corners=False)
