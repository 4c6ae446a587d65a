"""Two runs against each other: `compare` is the command of this name."""

from typing import TYPE_CHECKING, Any

from bench.compare.errors import NotComparableError

if TYPE_CHECKING:
    from bench.compare.comparison import Comparison
    from bench.compare.runs import compare

__all__ = ["Comparison", "NotComparableError", "compare"]


def __getattr__(name: str) -> Any:
    """Import pandas when a function is asked for, not with the package."""
    if name == "compare":
        from bench.compare.runs import compare

        return compare
    if name == "Comparison":
        from bench.compare.comparison import Comparison

        return Comparison
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
