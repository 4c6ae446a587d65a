"""A page, tables and figures from the files of runs. Nothing here imports a model."""

from bench.report.write import FORMATS, write_report

__all__ = ["FORMATS", "write_report"]
