"""DIS: optical flow by dense inverse search (Kroeger et al., ECCV 2016), as OpenCV computes it."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor, nn

from mpvss.errors import UserError
from mpvss.motion.encoder import PADDING
from mpvss.stages import stage
from mpvss.video import check_same_size, frame_size

LEAST_SIDE = 16
"""Pixels of the smallest side that OpenCV searches: its patches of 8 on the halved frame."""


class DIS(nn.Module):
    """Optical flow on the CPU, without weights, at OpenCV's preset "medium". A `FlowNetwork`.

    Frames are copied to the CPU and the flow is copied back, which takes part of the method's time. The search runs on
    as many threads as torch. Operation counts do not include it, since it runs outside torch.
    """

    def __init__(self) -> None:
        """Raise UserError where OpenCV is not installed."""
        super().__init__()
        require_opencv()

    @stage("optical flow")
    def flow(self, frame: Shaped[Tensor, "3 h w"], key_frame: Shaped[Tensor, "3 h w"]) -> Float[Tensor, "1 2 ph pw"]:
        """Backward flow from `frame` to `key_frame`, at full size over the frame padded to multiples of 32.

        Raises:
            UserError: frames of two sizes, or a side under 16 pixels.
        """
        import cv2

        height, width = frame_size(frame)
        check_same_size(key_frame, (height, width))
        if min(height, width) < LEAST_SIDE:
            raise UserError(f"the frame is {width}x{height}; DIS takes sides of {LEAST_SIDE} pixels or more")
        cv2.setNumThreads(torch.get_num_threads())
        search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        # The search gives, at each pixel of its first image, the way to the same point of its second.
        found = torch.from_numpy(search.calc(_grey(frame), _grey(key_frame), None))  # type: ignore[call-overload]
        flow = found.movedim(2, 0)[None].to(frame.device)
        return F.pad(flow, (0, -width % PADDING, 0, -height % PADDING), mode="replicate")


def require_opencv() -> None:
    """Raise UserError, saying how to install it, where OpenCV is not installed."""
    try:
        import cv2  # noqa: F401
    except ImportError:
        raise UserError("DIS needs OpenCV; pip install 'mpvss-bench[dis]', or leave optical-flow-dis out") from None


def _grey(frame: Shaped[Tensor, "3 h w"]) -> UInt8[np.ndarray, "h w"]:
    import cv2

    pixels = frame if frame.dtype == torch.uint8 else frame.round().clamp(0, 255).to(torch.uint8)
    return cv2.cvtColor(pixels.movedim(0, 2).contiguous().cpu().numpy(), cv2.COLOR_RGB2GRAY)
