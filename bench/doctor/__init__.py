"""What this machine can do, and what to install for the rest."""

from bench.doctor.examine import examine
from bench.doctor.finding import Finding

__all__ = ["Finding", "examine"]
