"""Whether a prediction holds only numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mpvss.errors import UserError
from mpvss.video import Prediction


def check_finite(prediction: Prediction) -> None:
    """Raise UserError where a number that the labels are made from is NaN or infinite: its label would mean nothing.

    Looked at are the floating-point tensors that the prediction holds, in containers and dataclasses as well.
    """
    for name, tensor in _tensors(prediction, type(prediction).__name__):
        if not bool(torch.isfinite(tensor).all()):
            raise UserError(f"the prediction is not finite: {name} holds NaN or infinity; its labels mean nothing")


def _tensors(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        if value.is_floating_point():
            yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _tensors(inner, f"{name}[{key!r}]")
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from _tensors(inner, f"{name}[{index}]")
    elif is_dataclass(value) and not isinstance(value, nn.Module):
        for field in fields(value):
            yield from _tensors(getattr(value, field.name, None), f"{name}.{field.name}")
