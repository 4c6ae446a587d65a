"""Results of networks that several methods hold, kept for one frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class Memo:
    """Keeps the results of shared networks while a frame is worked on, and nothing at any other time.

    Networks are built with it, see `mpvss.sharing`. Calls are told apart by the identity of their arguments.
    """

    def __init__(self) -> None:
        self._remembering = False
        # The arguments are kept with the result: while they live, no other object can have their identity.
        self._results: dict[tuple[object, ...], tuple[object, object]] = {}

    def result(self, call: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """The result of `call(*args, **kwargs)`, computed once for the same objects while a frame is worked on."""
        if not self._remembering:
            return call(*args, **kwargs)
        key = (call, *map(_identity, args), *((name, _identity(kwargs[name])) for name in sorted(kwargs)))
        if key not in self._results:
            self._results[key] = (call(*args, **kwargs), (args, kwargs))
        return self._results[key][0]

    @contextmanager
    def one_frame(self) -> Iterator[None]:
        """Remember results inside the block, and forget them at its end: the next frame's tensors are others."""
        self._remembering = True
        try:
            yield
        finally:
            self._remembering = False
            self._results.clear()


def _identity(argument: object) -> object:
    """A key that tells an argument from others: sizes and names by value, all else by the object."""
    by_value = isinstance(argument, tuple) and all(isinstance(item, int) for item in argument)
    return argument if by_value or isinstance(argument, int | str) else id(argument)
