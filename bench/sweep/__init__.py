"""The grid of cells, and measuring them: `sweep`, `latency`, `score`, and `merge_parts`, whose command is `merge`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.sweep.run_latency import latency
    from bench.sweep.run_merge import merge_parts
    from bench.sweep.run_score import score
    from bench.sweep.run_sweep import sweep
    from bench.sweep.sizes import latency_at_sizes

__all__ = ["latency", "latency_at_sizes", "merge_parts", "score", "sweep"]


def __getattr__(name: str) -> Any:
    """Import torch when a function is asked for, not with the package."""
    if name == "sweep":
        from bench.sweep.run_sweep import sweep

        return sweep
    if name == "latency":
        from bench.sweep.run_latency import latency

        return latency
    if name == "latency_at_sizes":
        from bench.sweep.sizes import latency_at_sizes

        return latency_at_sizes
    if name == "score":
        from bench.sweep.run_score import score

        return score
    if name == "merge_parts":
        from bench.sweep.run_merge import merge_parts

        return merge_parts
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
