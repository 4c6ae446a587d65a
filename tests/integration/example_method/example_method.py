"""A method that tells classes apart by how bright a pixel is, and reuses the key frame's thresholds on other frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Levels:
    """A score for each class: how near the brightness is to the class's own."""

    brightness: Tensor
    centres: Tensor

    def scores(self) -> Tensor:
        """(C, H, W)."""
        return -(self.brightness - self.centres[:, None, None]).abs()

    def labels(self) -> Tensor:
        """(H, W), uint8."""
        return self.scores().argmax(0).to(torch.uint8)


class Brightness(nn.Module):
    """The classes share the range of a key frame's brightness in equal parts."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.to_grey = nn.Conv2d(3, 1, 1, bias=False)
        nn.init.constant_(self.to_grey.weight, 1 / 3)

    def segment(self, frame: Tensor) -> tuple[Levels, Tensor]:
        """A key frame; the state is the brightness that each class stands for."""
        grey = self._grey(frame)
        shares = (torch.arange(self.num_classes, device=frame.device) + 0.5) / self.num_classes
        centres = torch.lerp(grey.amin(), grey.amax(), shares)
        return Levels(grey, centres), centres

    def propagate(self, frame: Tensor, state: Tensor) -> tuple[Levels, Tensor]:
        """Any non-key frame."""
        return Levels(self._grey(frame), state), state

    def _grey(self, frame: Tensor) -> Tensor:
        return self.to_grey(frame.float()[None])[0, 0]


def build(*, backbone: str, num_classes: int, weights: str | None = None) -> Brightness:
    """What the entry point names; it has no backbone. `weights` is the file of --weights, where one is given."""
    method = Brightness(num_classes)
    if weights is not None:
        method.load_state_dict(torch.load(weights, weights_only=True))
    return method
