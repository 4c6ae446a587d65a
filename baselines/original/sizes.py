"""The widths of DFF's and Accel's networks as first published, and those of the small family."""

from __future__ import annotations

from dataclasses import dataclass

from baselines.original.flow import ENCODER_WIDTHS, REFINEMENT_WIDTHS, StrideSixteenFlow
from mpvss.presets import SMALL as SMALL_FAMILY


@dataclass(frozen=True)
class Size:
    """What the networks of one size have in common."""

    width: int
    """Channels in the middle of the first stage's blocks."""
    encoder_widths: tuple[int, ...]
    """Channels of the flow network's conv1 to conv6."""
    refinement_widths: tuple[int, ...]
    """Channels of its upsampled features, coarse to fine."""

    def flow(self) -> StrideSixteenFlow:
        """The flow network, randomly initialised."""
        return StrideSixteenFlow(self.encoder_widths, self.refinement_widths)


PUBLISHED = Size(64, ENCODER_WIDTHS, REFINEMENT_WIDTHS)
SMALL = Size(8, SMALL_FAMILY.motion_widths, SMALL_FAMILY.flownet_widths)
"""An eighth of the published width, with the flow network that the small family has trained weights of."""
