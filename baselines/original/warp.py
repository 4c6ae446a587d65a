"""The warp of DFF's and Accel's programs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from mpvss.layers import constant
from mpvss.stages import stage


@stage("warp")
def zero_padded_warp(source: Float[Tensor, "b c h w"], flow: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b c h w"]:
    """Sample `source` at every pixel plus its flow, bilinearly, with zeros outside; a zero flow is the identity.

    `mpvss.warp.warp` differs outside, where it repeats the border.
    """
    height, width = source.shape[2:]
    x = torch.arange(width, device=flow.device, dtype=flow.dtype).expand(height, -1)
    y = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None].expand(-1, width)
    # Pixel i lies at (2i + 1) / n - 1 in the sampler's units.
    grid = (2 * (torch.stack((x, y)) + flow) + 1) / constant((width, height), flow.device, flow.dtype).view(2, 1, 1) - 1
    return F.grid_sample(source, grid.movedim(1, -1), align_corners=False)
