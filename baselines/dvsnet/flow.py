"""DVSNet's flow network: FlowNetS with three eighths of its channels, and a scale for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from baselines.original.flow_names import FlowNetSNames
from baselines.original.flownets import Refinement
from mpvss.checkpoints.formats import CheckpointFormat
from mpvss.motion.encoder import MotionEncoder
from mpvss.stages import stage

ENCODER_WIDTHS = (24, 48, 96, 192, 192, 384)
REFINEMENT_WIDTHS = (192, 96, 48, 24)
FLOW_SCALE = 5.0
"""The network's unit in pixels of its output's grid: FlowNet's 20 pixels, over a stride of 4."""


class RegionFlow(NamedTuple):
    """What the flow network says of regions."""

    flow: Float[Tensor, "b 2 h8 w8"]
    """From a region to its key region, in pixels of this grid, 1/8 of the region."""
    scale: Float[Tensor, "b k h8 w8"]
    """What warped class scores are multiplied by."""
    features: Float[Tensor, "b c _ _"]
    """The coarsest features, which the decision is made from."""


class ScaledFlow(nn.Module):
    """FlowNetS on pairs of halved regions. The scale is 1 at first."""

    checkpoint_format: ClassVar[CheckpointFormat] = FlowNetSNames(
        image_mean=(0.0, 0.0, 0.0), deconv_bias=False, bgr=True
    ).format

    def __init__(
        self,
        num_classes: int,
        encoder_widths: Sequence[int] = ENCODER_WIDTHS,
        refinement_widths: Sequence[int] = REFINEMENT_WIDTHS,
    ) -> None:
        """Channels of conv1 to conv6, and of the upsampled features from coarse to fine."""
        super().__init__()
        self.encoder = MotionEncoder(encoder_widths)
        self.refinement = Refinement(encoder_widths[:0:-1], refinement_widths, bias=False)
        self.predict = nn.Conv2d(self.refinement.out_channels, 2, 3, padding=1)
        self.scale = nn.Conv2d(self.refinement.out_channels, num_classes, 3, padding=1)
        nn.init.zeros_(self.scale.weight)
        nn.init.ones_(self.scale.bias)  # type: ignore[arg-type]

    @stage("motion encoder")
    def forward(self, pair: Float[Tensor, "b 6 h w"]) -> RegionFlow:
        """Regions and their key regions, BGR of 0..1 at half their size, concatenated on channels."""
        maps = self.encoder(pair)
        joined = self.refinement(maps[::-1])
        return RegionFlow(FLOW_SCALE * self.predict(joined), self.scale(joined), maps[-1])
