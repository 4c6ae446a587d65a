"""The flow head: query-based flow, and its fusion with the pixel-wise flow (Eq. 4)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mpvss.layers import MLP, to_tokens
from mpvss.stages import stage


class QueryFlowHead(nn.Module):
    """A flow per query: the product of its flow embedding with a projected motion map.

    The first half of that map's channels serves y and the second x, as in the released program.
    """

    def __init__(self, *, dim: int, map_channels: int, hidden: int, folded: bool) -> None:
        """Make the two MLPs.

        Args:
            dim: channels of the queries.
            map_channels: channels of the motion map.
            hidden: channels inside the two MLPs.
            folded: apply the map's last projection to the queries instead, which are fewer than its pixels; same
                result.

        """
        super().__init__()
        self.folded = folded
        self.norm = nn.LayerNorm(dim)
        self.query_mlp = MLP((dim, hidden, hidden, dim))
        self.map_mlp = MLP((map_channels, hidden, hidden, 2 * dim))

    @stage("flow head")
    def forward(
        self, queries: Float[Tensor, "b q d"], motion_map: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b q 2 h w"]:
        """`queries` as the motion decoder leaves them; `motion_map` is the encoder's finest, b4 of the paper."""
        embedding = self.query_mlp(self.norm(queries))
        batch, count, dim = embedding.shape
        pixels = to_tokens(motion_map)
        if self.folded:
            last = self.map_mlp.last
            weight, bias = last.weight.view(2, dim, -1).flip(0), last.bias.view(2, dim, 1).flip(0)  # x before y
            folded = torch.einsum("bqd,adh->bqah", embedding, weight).flatten(1, 2)
            offset = torch.einsum("bqd,adz->bqaz", embedding, bias).flatten(1, 2)
            flow = torch.baddbmm(offset, folded, self.map_mlp.hidden(pixels).transpose(1, 2))
        else:
            by_axis = self.map_mlp(pixels).unflatten(2, (2, dim)).flip(2)
            flow = torch.einsum("bqd,bpad->bqap", embedding, by_axis)
        return flow.reshape(batch, count, 2, *motion_map.shape[-2:])


class FlowFusion(nn.Module):
    """One 3x3 convolution over [pixel-wise flow; query-based flow] of each query (Eq. 4).

    It starts at zero, so an untrained model copies the key frame's masks; the released program starts at bias 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 2, 3, padding=1)
        nn.init.zeros_(self.conv.weight)
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    @stage("flow head")
    def forward(
        self, pixel_flow: Float[Tensor, "b 2 h w"], query_flow: Float[Tensor, "b q 2 h w"]
    ) -> Float[Tensor, "b q 2 h w"]:
        # The pixel-wise flow is one for all queries, so its share of the sum is computed once. That of their own flows
        # is one convolution of a group for each: a batch of maps as small as these takes several times as long.
        of_pixel, of_query = self.conv.weight.split(2, dim=1)
        count = query_flow.shape[1]
        shared = F.conv2d(pixel_flow, of_pixel, self.conv.bias, padding=1)
        own = F.conv2d(query_flow.flatten(1, 2), of_query.repeat(count, 1, 1, 1), padding=1, groups=count)
        return own.view_as(query_flow) + shared[:, None]
