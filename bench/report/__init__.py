"""A page, tables and figures from the files of runs: `report` is the command of this name. Imports no torch."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.report.write import FORMATS, report

__all__ = ["FORMATS", "report"]


def __getattr__(name: str) -> Any:
    """Import matplotlib and pandas when a function is asked for, not with the package."""
    if name in __all__:
        from bench.report import write

        return getattr(write, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
