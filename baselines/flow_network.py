"""What the baselines that warp by one flow need of a flow network."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from jaxtyping import Float, Shaped
from torch import Tensor


@runtime_checkable
class FlowNetwork(Protocol):
    """Gives one optical flow for a pair of frames: FlowNetS, RAFT or DIS."""

    def flow(self, frame: Shaped[Tensor, "3 h w"], key_frame: Shaped[Tensor, "3 h w"]) -> Float[Tensor, "1 2 fh fw"]:
        """Backward flow from `frame` to `key_frame` (RGB, 0..255), in pixels of its own grid.

        The grid covers the frame, padded at the bottom and right to multiples of 32.
        """
        ...
