"""Parameters and multiply-accumulates of convolutions and linear layers, on tensors that have shapes alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from baselines.original.deformable import DeformableConv

_COUNTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, DeformableConv)


def parameters(module: nn.Module) -> float:
    """Millions of parameters."""
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


def giga_macs(module: nn.Module, run: Callable[[], Any]) -> float:
    """Multiply-accumulates, in 1e9, of the convolution and linear modules that `run` calls."""
    total = 0

    def count(layer: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.ConvTranspose2d):  # each input pixel is spread by the kernel
            total += inputs[0][:, 0].numel() * layer.weight.numel()
        elif isinstance(layer, nn.Conv2d | DeformableConv):
            total += output[:, 0].numel() * layer.weight.numel()
        else:
            total += inputs[0][..., 0].numel() * layer.weight.numel()

    handles = [layer.register_forward_hook(count) for layer in module.modules() if isinstance(layer, _COUNTED)]
    with torch.inference_mode():
        run()
    for handle in handles:
        handle.remove()
    return total / 1e9


def meta_frame(height: int, width: int) -> torch.Tensor:
    """A frame with a shape and no content."""
    return torch.empty(3, height, width, device="meta")
