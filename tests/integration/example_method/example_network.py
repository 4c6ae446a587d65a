"""An image network that tells classes apart by how grey a pixel is. It knows nothing of video."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GreyLevels(nn.Module):
    """Each class has a level of its own; at first the levels share 0..255 in equal parts."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.levels = nn.Parameter(255 * (torch.arange(num_classes) + 0.5) / num_classes)

    def forward(self, frame: Tensor) -> Tensor:
        """Class scores, (C, H/2, W/2), of an RGB frame, (3, H, W), 0..255."""
        grey = F.avg_pool2d(frame.float().mean(0)[None], 2)
        return -(grey - self.levels[:, None, None]).abs()


def build(*, num_classes: int, weights: str | None = None) -> GreyLevels:
    """What the entry point names. `weights` is the file of --weights, where one is given."""
    network = GreyLevels(num_classes)
    if weights is not None:
        network.load_state_dict(torch.load(weights, weights_only=True))
    return network
