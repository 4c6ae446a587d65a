"""A camera does not wait: the accuracy of what is on show at each frame's time, replayed from measured times."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.stream.run_stream import stream

__all__ = ["stream"]


def __getattr__(name: str) -> Any:
    """Import torch when the function is asked for, not with the package."""
    if name == "stream":
        from bench.stream.run_stream import stream

        return stream
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
