"""What a data set on disk has, and what is missing from it: `check_data`."""

from bench.data.check.check import check_data
from bench.data.check.findings import Findings

__all__ = ["Findings", "check_data"]
