"""DFF's and Accel's flow network: FlowNetS whose flow is predicted at 1/16 of the frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from baselines.original.deeplab import PIXEL_MEAN
from baselines.original.flow_names import FlowNetSNames
from baselines.original.flownets import Refinement
from mpvss.checkpoints.formats import CheckpointFormat
from mpvss.motion.encoder import MotionEncoder
from mpvss.stages import stage

ENCODER_WIDTHS = (64, 128, 256, 512, 512, 1024)
REFINEMENT_WIDTHS = (512, 256, 128, 64)
FLOW_SCALE = 2.5
"""The network's unit in pixels of its output's grid: FlowNet's 20 pixels, over a stride of 8 on the halved frame."""


class StrideSixteenFlow(nn.Module):
    """FlowNetS on the halved frames, its last joined map halved again before the flow is predicted from it.

    The published graph also predicts a scale for each of 1024 channels, which Accel's program does not use. It takes
    no part here.
    """

    checkpoint_format: ClassVar[CheckpointFormat] = FlowNetSNames(
        image_mean=(PIXEL_MEAN[0] / 255, PIXEL_MEAN[1] / 255, PIXEL_MEAN[2] / 255), deconv_bias=True
    ).format

    def __init__(
        self, encoder_widths: Sequence[int] = ENCODER_WIDTHS, refinement_widths: Sequence[int] = REFINEMENT_WIDTHS
    ) -> None:
        """Channels of conv1 to conv6, and of the upsampled features from coarse to fine."""
        super().__init__()
        self.encoder = MotionEncoder(encoder_widths)
        self.refinement = Refinement(encoder_widths[:0:-1], refinement_widths, bias=True)
        self.predict = nn.Conv2d(self.refinement.out_channels, 2, 3, padding=1)

    @stage("motion encoder")
    def forward(self, frame: Float[Tensor, "b 3 h w"], other: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 2 fh fw"]:
        """Flow from `frame` to `other`, centred images of 255 grey levels, in pixels of its grid, at 1/16."""
        pair = F.avg_pool2d(torch.cat((frame, other), dim=1) / 255, 2)
        joined = self.refinement(self.encoder(pair)[::-1])
        return FLOW_SCALE * self.predict(F.avg_pool2d(joined, 2))
