"""Networks that several methods hold, and what keeps their results so that each is computed once.

A network is given such a keeper when it is built, or None. When results are kept, and for how long, is the keeper's
to decide; by default nothing is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar, runtime_checkable

Function = TypeVar("Function", bound=Callable[..., Any])


@runtime_checkable
class SharedResults(Protocol):
    """Keeps the results of calls."""

    def result(self, call: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """The result of `call(*args, **kwargs)`, computed now or when it was last made with the same objects."""
        ...


def shareable(method: Function) -> Function:
    """Mark a method of a network whose result follows from its weights and the objects it is given alone.

    The network's attribute `shared` is what keeps its results, or None.
    """

    @functools.wraps(method)
    def called(network: Any, *args: Any, **kwargs: Any) -> Any:
        if network.shared is None:
            return method(network, *args, **kwargs)
        return network.shared.result(method, (network, *args), kwargs)

    return called  # type: ignore[return-value]
