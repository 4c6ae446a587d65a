"""Key frames where a schedule wants them: accuracy against mean cost, beside the fixed interval."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.adaptive.run_schedules import schedules

__all__ = ["schedules"]


def __getattr__(name: str) -> Any:
    """Import torch when the function is asked for, not with the package."""
    if name == "schedules":
        from bench.adaptive.run_schedules import schedules

        return schedules
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
