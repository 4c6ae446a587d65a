"""The error of a comparison that would mean nothing."""

from mpvss.errors import UserError


class NotComparableError(UserError):
    """Two measurements whose difference would mean nothing; the message says why."""
