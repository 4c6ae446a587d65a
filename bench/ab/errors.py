"""The error of a version that cannot be measured."""

from bench.compare.errors import NotComparableError


class NotMeasurableError(NotComparableError):
    """A version of the code cannot be installed, or what measures it fails; the message says which and why."""
