"""Counters and median times over the project's commits, kept in a folder and drawn. Imports no torch."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.history.keep import history

__all__ = ["history"]


def __getattr__(name: str) -> Any:
    """Import what reads runs when the function is asked for, not with the package."""
    if name in __all__:
        from bench.history import keep

        return getattr(keep, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
