"""Tables and plots from the files of runs. Nothing here imports a model."""

from bench.report.write import write_report

__all__ = ["write_report"]
