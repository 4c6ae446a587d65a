"""The one backward warp, and the one flow convention.

A flow is backward, from the current frame to the key frame: (…, 2, H, W), x then y, in pixels of its own grid. The
warped map holds at p what its source holds at p + flow(p); outside the source, the nearest border pixel.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from mpvss.errors import UserError
from mpvss.layers import constant
from mpvss.stages import stage

WarpVariant = Literal["exact", "published"]


@stage("warp")
def resize_flow(flow: Float[Tensor, "n 2 h w"], size: tuple[int, int]) -> Float[Tensor, "n 2 th tw"]:
    """The flow on a grid of `size` (height, width), its vectors in pixels of that grid (bilinear)."""
    height, width = flow.shape[-2:]
    ratio = constant((size[1] / width, size[0] / height), flow.device, flow.dtype).view(2, 1, 1)
    return F.interpolate(flow * ratio, size=size, mode="bilinear", align_corners=False)


@stage("warp")
def warp(
    source: Float[Tensor, "n c h w"], flow: Float[Tensor, "n 2 h w"], variant: WarpVariant = "exact"
) -> Float[Tensor, "n c h w"]:
    """Sample `source` at every pixel plus its flow, bilinearly, with borders repeated (Sec. 3.1: the operator W).

    `exact`: a zero flow returns the source bit for bit, and so does a whole-pixel flow its shift. `published`: the
    released program's normalisation by W where W − 1 is meant, which shrinks the picture by (W − 1)/W; weights
    trained with it need it.

    >>> source = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    >>> one_to_the_right = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 1, 3)
    >>> warp(source, one_to_the_right)
    tensor([[[[2., 3., 3.]]]])

    Raises:
        UserError: the flow is on another grid than the source.
    """
    height, width = source.shape[-2:]
    if flow.shape[-2:] != source.shape[-2:]:
        raise UserError(
            f"the flow's grid is {tuple(flow.shape[-2:])} and the source's {(height, width)}; resize the flow first"
        )
    if variant == "published":
        span_x, span_y = width, height
    else:
        # A grid of 2^k + 1 samples is normalised by a power of two, which loses no bit.
        span_x, span_y = _power_of_two(width - 1), _power_of_two(height - 1)
        source = F.pad(source, (0, span_x + 1 - width, 0, span_y + 1 - height), mode="replicate")
    scale = constant((2 / span_x, 2 / span_y), flow.device, flow.dtype).view(2, 1, 1)
    x = torch.arange(width, device=flow.device, dtype=flow.dtype).expand(height, -1)
    y = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None].expand(-1, width)
    grid = torch.addcmul(torch.stack((x, y)) * scale - 1, flow, scale)
    return F.grid_sample(source, grid.movedim(1, -1), mode="bilinear", padding_mode="border", align_corners=True)


def _power_of_two(least: int) -> int:
    """The least power of two that is not below `least`."""
    return 1 << max(int(least) - 1, 0).bit_length()
