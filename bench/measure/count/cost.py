"""A method's cost before it is run: parameters, and multiply-accumulates for each kind of frame."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

from torch import nn

from bench.evaluate.schedule import FixedInterval
from bench.measure.count.macs import count_macs, shapes_only
from bench.methods import build
from bench.methods.names import LIBRARY
from mpvss.errors import UserError
from mpvss.presets import Execution


@dataclass(frozen=True)
class Cost:
    """What one method costs at one frame size."""

    parameters: int
    key_macs: int
    """Multiply-accumulates of a key frame."""
    non_key_macs: int
    """Multiply-accumulates of any non-key frame."""

    def mean_macs(self, interval: int, clip_length: int = 15) -> float:
        """Multiply-accumulates per frame, averaged over a clip that starts with a key frame."""
        keys = FixedInterval(interval).count_keys(clip_length)
        return (keys * self.key_macs + (clip_length - keys) * self.non_key_macs) / clip_length


def method_cost(
    method: str,
    *,
    backbone: str,
    num_classes: int,
    size: tuple[int, int],
    key_backbone: str | None = None,
    execution: Execution = "lean",
) -> Cost:
    """The cost of a method at `size` (height, width), without computing or storing a single weight.

    Parameters are those an optimiser could train: frozen batch norms hold none.
    """
    if min(size) < 1:
        raise UserError(f"frame size is {size[0]}x{size[1]}; height and width must be 1 or more")
    # A model of the transformers library cannot be built without its weights.
    with nullcontext() if backbone.startswith(LIBRARY) else shapes_only():
        model = build(
            method, backbone=backbone, key_backbone=key_backbone, num_classes=num_classes, execution=execution
        )
    key, non_key = count_macs(model, size)
    assert isinstance(model, nn.Module)
    return Cost(sum(parameter.numel() for parameter in model.parameters()), key, non_key)
