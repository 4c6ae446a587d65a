"""SIGTERM, which schedulers and `kill` send, ends a command as Ctrl-C does: what is done stays, temporary files go."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TerminatedError(KeyboardInterrupt):
    """The process was asked to end. A KeyboardInterrupt, so that whatever cleans up after one does it here too."""


@contextmanager
def terminable() -> Iterator[None]:
    """Within the block, the first SIGTERM raises `TerminatedError`, and later ones do not disturb the cleaning up."""
    if threading.current_thread() is not threading.main_thread():  # only there can a handler be set
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _raise(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise TerminatedError
