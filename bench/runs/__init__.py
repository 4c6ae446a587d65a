"""The files of a run: what they hold, reading and writing them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.runs.read import read_run

__all__ = ["read_run"]


def __getattr__(name: str) -> Any:
    """Import pandas when a function is asked for, not with the package."""
    if name == "read_run":
        from bench.runs.read import read_run

        return read_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
