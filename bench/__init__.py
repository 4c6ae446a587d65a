"""The harness: data, measures, sweeps and reports over every method."""

__version__ = "0.2.0"
"""Of the project; the one place that states it."""
