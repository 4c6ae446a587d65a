"""RAFT, from a pair of frames to the flow between them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from baselines.raft.correlation import correlation_pyramid, look_up
from baselines.raft.encoder import Encoder
from baselines.raft.update import CONTEXT, HIDDEN, STRIDE, UpdateBlock
from mpvss.errors import UserError
from mpvss.motion.encoder import PADDING
from mpvss.presets import Execution
from mpvss.stages import stage
from mpvss.video import as_float, check_same_size, frame_size

FEATURES = 256
LEAST_SIDE = 64


class RAFT(nn.Module):
    """Optical flow of two frames. A stand-in for `FlowNetS` in the baselines that warp by one flow."""

    def __init__(self, *, iterations: int = 20, execution: Execution = "lean") -> None:
        """`paper` upsamples the flow of every iteration, as the published graph does, and `lean` the last alone."""
        super().__init__()
        if iterations < 1:
            raise UserError(f"RAFT's iterations are {iterations}; there must be 1 or more")
        self.iterations = iterations
        self.execution: Execution = execution
        self.fnet = Encoder(FEATURES, nn.InstanceNorm2d)
        self.cnet = Encoder(HIDDEN + CONTEXT, nn.BatchNorm2d)
        self.update_block = UpdateBlock()

    @stage("optical flow")
    def forward(self, first: Float[Tensor, "b 3 h w"], second: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 2 h w"]:
        """Flow from `first` to `second`, RGB images of 0..255 whose sides are multiples of 8, in their pixels."""
        if min(first.shape[2:]) < LEAST_SIDE:
            height, width = first.shape[2:]
            raise UserError(
                f"RAFT halves its maps to 1/64; {width}x{height} pixels are too few, {LEAST_SIDE} a side it needs"
            )
        first, second = (2 * (image / 255) - 1 for image in (first, second))
        features = self.fnet(torch.cat((first, second)))
        pyramid = correlation_pyramid(*features.chunk(2))
        hidden, context = self.cnet(first).split((HIDDEN, CONTEXT), dim=1)
        hidden, context = hidden.tanh(), F.relu(context)
        start = _positions(context)
        flow = torch.zeros_like(start)
        upsampled = None
        for index in range(self.iterations):
            hidden, flow = self.update_block(hidden, context, look_up(pyramid, start + flow), flow)
            if self.execution == "paper" or index == self.iterations - 1:
                upsampled = self.update_block.upsample(hidden, flow)
        assert upsampled is not None
        return upsampled

    def frame_flow(self, frame: Shaped[Tensor, "3 h w"], other: Shaped[Tensor, "3 h w"]) -> Float[Tensor, "1 2 h w"]:
        """Flow from `frame` to `other` (RGB, 0..255) at every pixel of `frame`.

        Frames are padded to multiples of 8, half on each side, by repeating their borders.
        """
        height, width = frame_size(frame)
        check_same_size(other, (height, width))
        missing_y, missing_x = -height % STRIDE, -width % STRIDE
        left, top = missing_x // 2, missing_y // 2
        padding = (left, missing_x - left, top, missing_y - top)
        first, second = (F.pad(as_float(x)[None], padding, mode="replicate") for x in (frame, other))
        return self(first, second)[..., top : top + height, left : left + width]

    def flow(self, frame: Shaped[Tensor, "3 h w"], key_frame: Shaped[Tensor, "3 h w"]) -> Float[Tensor, "1 2 ph pw"]:
        """The flow as `FlowNetS.flow` gives it: over the frame padded to multiples of 32, here at its full size."""
        flow = self.frame_flow(frame, key_frame)
        return F.pad(flow, (0, -flow.shape[3] % PADDING, 0, -flow.shape[2] % PADDING), mode="replicate")


def _positions(x: Float[Tensor, "b _ h w"]) -> Float[Tensor, "b 2 h w"]:
    """Each pixel's own position, x then y."""
    batch, _, height, width = x.shape
    rows = torch.arange(height, device=x.device, dtype=x.dtype)[:, None].expand(height, width)
    columns = torch.arange(width, device=x.device, dtype=x.dtype).expand(height, width)
    return torch.stack((columns, rows)).expand(batch, 2, height, width)
