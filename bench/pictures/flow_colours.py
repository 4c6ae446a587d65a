"""Flow as colours, as in Figure 1 of the paper. Imports no torch."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from matplotlib.colors import hsv_to_rgb


def flow_colours(flow: Float[np.ndarray, "2 h w"], scale: float) -> Float[np.ndarray, "h w 3"]:
    """Direction as hue, length as saturation, full at `scale` pixels; no flow is white."""
    angle = np.arctan2(flow[1], flow[0]) / (2 * np.pi) % 1
    length = np.clip(np.linalg.norm(flow, axis=0) / scale, 0, 1)
    return hsv_to_rgb(np.stack([angle, length, np.ones_like(length)], axis=-1))
