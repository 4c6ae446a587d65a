"""An error as it can be sent between processes and written down."""

from __future__ import annotations

import traceback
from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """What went wrong, and where it came from."""

    text: str
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Of an error that was caught."""
        return cls(f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)))
