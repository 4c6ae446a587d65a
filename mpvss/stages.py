"""The stages of the work on a frame by name, for tools that count or profile them.

A function marked with `stage` runs as it is, at the price of one more call, unless a tool watches. Whatever it calls
belongs to its stage: inside one, no other is seen.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

STAGES = (
    "backbone",
    "pixel decoder",
    "query decoder",
    "motion encoder",
    "motion decoder",
    "flow head",
    "warp",
    "semantic inference",
)
"""Those of the project's own methods, in the order they run in; a method of another package may name others."""

Function = TypeVar("Function", bound=Callable[..., Any])
Watcher = Callable[[str, Callable[..., Any], tuple[Any, ...], Mapping[str, Any]], Any]
"""Called with a stage's name, its function, and the arguments; it calls the function and returns what that gives."""

_watcher: Watcher | None = None


def stage(name: str) -> Callable[[Function], Function]:
    """Mark a function as the stage called `name`, or as a part of it."""

    def mark(function: Function) -> Function:
        @functools.wraps(function)
        def staged(*args: Any, **kwargs: Any) -> Any:
            if _watcher is None:
                return function(*args, **kwargs)
            return _watch(_watcher, name, function, args, kwargs)

        return staged  # type: ignore[return-value]

    return mark


@contextmanager
def watched_by(watcher: Watcher | None) -> Iterator[None]:
    """Have `watcher` make every call of a stage, in the whole process; None for nobody."""
    global _watcher
    before, _watcher = _watcher, watcher
    try:
        yield
    finally:
        _watcher = before


def _watch(
    watcher: Watcher, name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    with watched_by(None):
        return watcher(name, function, args, kwargs)
