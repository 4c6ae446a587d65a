"""RAFT's recurrent update of the flow, and the mask that upsamples it (Sec. 3.3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from baselines.raft.correlation import SAMPLES

HIDDEN = 128
CONTEXT = 128
STRIDE = 8
"""Pixels of the image to one of the flow that is updated."""


class MotionEncoder(nn.Module):
    """Correlations and the flow so far as 128 channels, of which the last two are the flow itself."""

    def __init__(self) -> None:
        super().__init__()
        self.convc1 = nn.Conv2d(SAMPLES, 256, 1)
        self.convc2 = nn.Conv2d(256, 192, 3, padding=1)
        self.convf1 = nn.Conv2d(2, 128, 7, padding=3)
        self.convf2 = nn.Conv2d(128, 64, 3, padding=1)
        self.conv = nn.Conv2d(64 + 192, 128 - 2, 3, padding=1)

    def forward(self, flow: Float[Tensor, "b 2 h w"], correlation: Float[Tensor, "b s h w"]) -> Tensor:
        similar = F.relu_(self.convc2(F.relu_(self.convc1(correlation))))
        moved = F.relu_(self.convf2(F.relu_(self.convf1(flow))))
        return torch.cat((F.relu_(self.conv(torch.cat((similar, moved), dim=1))), flow), dim=1)


class SeparableGRU(nn.Module):
    """Two gated recurrent units in turn, of 1x5 and of 5x1 convolutions."""

    def __init__(self, hidden: int, in_channels: int) -> None:
        super().__init__()
        for index, (kernel, padding) in enumerate((((1, 5), (0, 2)), ((5, 1), (2, 0))), start=1):
            for gate in "zrq":
                conv = nn.Conv2d(hidden + in_channels, hidden, kernel, padding=padding)
                self.add_module(f"conv{gate}{index}", conv)

    def forward(self, hidden: Float[Tensor, "b c h w"], x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b c h w"]:
        for index in (1, 2):
            update, reset, new = (self.get_submodule(f"conv{gate}{index}") for gate in "zrq")
            joined = torch.cat((hidden, x), dim=1)
            share = update(joined).sigmoid()
            kept = reset(joined).sigmoid() * hidden
            hidden = torch.lerp(hidden, new(torch.cat((kept, x), dim=1)).tanh(), share)
        return hidden


class FlowHead(nn.Module):
    """The change of the flow, from the hidden state."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(HIDDEN, 256, 3, padding=1)
        self.conv2 = nn.Conv2d(256, 2, 3, padding=1)

    def forward(self, hidden: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 2 h w"]:
        return self.conv2(F.relu_(self.conv1(hidden)))


class UpdateBlock(nn.Module):
    """One step: correlations and flow into the hidden state, and a change of the flow out of it."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = MotionEncoder()
        self.gru = SeparableGRU(HIDDEN, CONTEXT + 128)
        self.flow_head = FlowHead()
        self.mask = nn.Sequential(
            nn.Conv2d(HIDDEN, 256, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(256, 9 * STRIDE**2, 1)
        )

    def forward(
        self,
        hidden: Float[Tensor, "b c h w"],
        context: Float[Tensor, "b d h w"],
        correlation: Float[Tensor, "b s h w"],
        flow: Float[Tensor, "b 2 h w"],
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b 2 h w"]]:
        """The next hidden state and flow."""
        motion = self.encoder(flow, correlation)
        hidden = self.gru(hidden, torch.cat((context, motion), dim=1))
        return hidden, flow + self.flow_head(hidden)

    def upsample(self, hidden: Float[Tensor, "b c h w"], flow: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 2 oh ow"]:
        """The flow at 8 times the size, in pixels of that size: each a convex mix of its 3x3 coarse neighbours."""
        # The quarter is the published program's, to balance the gradients.
        return upsample_convex(flow, 0.25 * self.mask(hidden))


def upsample_convex(flow: Float[Tensor, "b 2 h w"], mask: Float[Tensor, "b m h w"]) -> Float[Tensor, "b 2 oh ow"]:
    """8 times the flow, at 8 times its size, mixed by the softmax of `mask` over nine neighbours."""
    batch, _, height, width = flow.shape
    shares = mask.view(batch, 1, 9, STRIDE, STRIDE, height, width).softmax(dim=2)
    near = F.unfold(STRIDE * flow, 3, padding=1).view(batch, 2, 9, 1, 1, height, width)
    mixed = (shares * near).sum(2).permute(0, 1, 4, 2, 5, 3)  # (b, 2, h, 8, w, 8)
    return mixed.reshape(batch, 2, STRIDE * height, STRIDE * width)
