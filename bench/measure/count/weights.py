"""The weights that a method holds, whether it is a module or an object of any other kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor, nn


def weights_of(method: object) -> list[Tensor]:
    """What an optimiser could train, each once: parameters, and other tensors that want a gradient.

    Of an object that is no module, those of the modules and tensors among its attributes.
    """
    return list({id(weight): weight for weight in _weights(method)}.values())


@contextmanager
def without_gradients(method: object) -> Iterator[None]:
    """No weight wants a gradient inside: tracers refuse such, and FlopCounterMode stumbles over views of them."""
    wanting = [weight for weight in weights_of(method) if weight.requires_grad]
    for weight in wanting:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in wanting:
            weight.requires_grad_(True)


def _weights(value: object) -> Iterator[Tensor]:
    if isinstance(value, nn.Module):
        yield from value.parameters()
    elif isinstance(value, Tensor):
        if isinstance(value, nn.Parameter) or (value.requires_grad and value.is_leaf):
            yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _weights(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _weights(part)
    elif hasattr(value, "segment"):
        yield from _weights(getattr(value, "__dict__", {}))
