"""FlowNetS: one pixel-wise flow from a pair of frames (Dosovitskiy et al., ICCV 2015)."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from mpvss.layers import map_size
from mpvss.motion.encoder import MotionEncoder, stack_pair
from mpvss.motion.pixel_flow import CoarseToFineFlow
from mpvss.sharing import SharedResults, shareable
from mpvss.video import check_frame

FLOW_DIVISOR = 20
"""Published weights predict the flow in pixels of their input, divided by this."""
STRIDE = 4
"""Pixels of the network's input for one of the predicted flow."""


class FlowNetS(nn.Module):
    """The motion encoder's ten convolutions, then the coarse-to-fine flow over its raw maps."""

    def __init__(
        self, encoder: MotionEncoder, pixel_flow: CoarseToFineFlow, shared: SharedResults | None = None
    ) -> None:
        """Join two built parts.

        Args:
            encoder: gives the maps of a pair.
            pixel_flow: built for the encoder's widths from conv6 to conv2.
            shared: what keeps flows for the methods that hold this network; None: nothing does.

        """
        super().__init__()
        self.encoder = encoder
        self.pixel_flow = pixel_flow
        self.shared = shared

    def forward(self, pair: Float[Tensor, "b 6 h w"]) -> Float[Tensor, "b 2 fh fw"]:
        """The published network's output, at 1/4 of `pair`, which holds two centred images of 0..1."""
        maps = self.encoder(pair)
        return self.pixel_flow(maps[::-1])

    def every_level(self, pair: Float[Tensor, "b 6 h w"]) -> list[Float[Tensor, "b 2 _ _"]]:
        """The published network's outputs from 1/64 to 1/4 of `pair`, for training."""
        return self.pixel_flow.every_level(self.encoder(pair)[::-1])

    @shareable
    def flow(self, frame: Shaped[Tensor, "3 h w"], key_frame: Shaped[Tensor, "3 h w"]) -> Float[Tensor, "1 2 fh fw"]:
        """Backward flow from `frame` to `key_frame` (RGB, 0..255) in pixels of its grid, 1/8 of the padded frame.

        The network runs on frames of half size, as the motion encoder of MPVSS does.
        """
        check_frame(frame)
        return self(stack_pair(frame[None], key_frame[None])) * (FLOW_DIVISOR / STRIDE)

    def frame_flow(
        self, frame: Shaped[Tensor, "*b 3 h w"], other: Shaped[Tensor, "*b 3 h w"]
    ) -> Float[Tensor, "n 2 h w"]:
        """Flow from a frame to `other` (RGB, 0..255), or of a batch of them, at every pixel, in pixels."""
        first, second = (x if x.ndim == 4 else x[None] for x in (frame, other))
        pair = stack_pair(first, second)
        padded = (2 * pair.shape[2], 2 * pair.shape[3])
        # The network says the flow in pixels of its input, half the padded frame, over `FLOW_DIVISOR`.
        flow = F.interpolate(2 * FLOW_DIVISOR * self(pair), padded, mode="bilinear", align_corners=False)
        height, width = map_size(first)
        return flow[:, :, :height, :width]


def build_flownets(
    encoder_widths: tuple[int, ...], upsampled_widths: tuple[int, ...], shared: SharedResults | None = None
) -> FlowNetS:
    """FlowNetS, randomly initialised.

    Args:
        encoder_widths: channels of conv1 to conv6.
        upsampled_widths: channels of the upsampled features, coarse to fine.
        shared: what keeps flows for the methods that hold this network; None: nothing does.

    """
    pixel_flow = CoarseToFineFlow(encoder_widths[:0:-1], upsampled_widths)
    return FlowNetS(MotionEncoder(encoder_widths), pixel_flow, shared)
