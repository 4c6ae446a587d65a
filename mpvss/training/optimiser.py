"""AdamW with the published groups of parameters, and polynomial decay."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import torch
from torch import nn

from mpvss.errors import UserError

_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.BatchNorm2d)
_EMBEDDING = re.compile(r"(level_embed|relative_position_bias_table)$")
"""Embeddings that are plain parameters, by their names."""


@dataclass(frozen=True)
class OptimiserOptions:
    """AdamW's numbers; by default those MPVSS was trained with. Norms and embeddings are not decayed."""

    lr: float = 5e-5
    weight_decay: float = 0.05
    backbone_lr_factor: float = 1.0
    """The learning rate of parameters of a backbone, over that of the others."""
    power: float = 0.9
    """The power of the polynomial by which the learning rate falls from `lr` to 0."""
    clip_norm: float = 0.01
    """The greatest norm of all gradients together."""

    def __post_init__(self) -> None:
        for name in ("lr", "clip_norm"):
            if not 0 < getattr(self, name) < math.inf:
                raise UserError(f"{name} is {getattr(self, name)}; it must be a number above 0")
        for name in ("weight_decay", "backbone_lr_factor", "power"):
            if not 0 <= getattr(self, name) < math.inf:
                raise UserError(f"{name} is {getattr(self, name)}; it must be a number of 0 or more")

    def decay(self, step: int, steps: int) -> float:
        """The factor of the learning rate at a step, counted from 0, of `steps`."""
        return (1 - step / steps) ** self.power


def build_optimiser(module: nn.Module, options: OptimiserOptions) -> torch.optim.AdamW:
    """AdamW over the parameters that require a gradient; UserError where none does."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for prefix, part in module.named_modules():
        for leaf, parameter in part.named_parameters(recurse=False):
            if not parameter.requires_grad:
                continue
            name = f"{prefix}.{leaf}"
            plain = isinstance(part, (*_NORMS, nn.Embedding)) or _EMBEDDING.search(name)
            lr = options.lr * (options.backbone_lr_factor if ".backbone." in f".{name}" else 1)
            groups.setdefault((lr, 0 if plain else options.weight_decay), []).append(parameter)
    if not groups:
        raise UserError("nothing is to be trained: no parameter requires a gradient")
    return torch.optim.AdamW(
        [
            {"params": parameters, "lr": lr, "initial_lr": lr, "weight_decay": weight_decay}
            for (lr, weight_decay), parameters in groups.items()
        ],
        fused=True,
    )
