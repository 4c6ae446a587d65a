"""One line on standard error that says how far a long job is and when it will be done."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TextIO

SECONDS_BETWEEN_UPDATES = 0.2
SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Stages one after the other. In a terminal a line is rewritten in place; elsewhere lines are few."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self.live = self._stream.isatty()
        self._width = 0

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str) -> Iterator[Stage]:
        """A stage of `total` units of work (None: unknown); its line is closed however the block ends."""
        stage = Stage(self, name, total, unit)
        try:
            yield stage
        finally:
            stage.show(last=True)

    def say(self, text: str) -> None:
        """Print a line of its own."""
        self.write(text, last=True)

    def write(self, text: str, *, last: bool) -> None:
        """Put `text` in place of the current line; `last` ends the line."""
        if self.live:
            self._stream.write("\r" + text.ljust(self._width) + ("\n" if last else ""))
            self._width = 0 if last else len(text)
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    @property
    def pause(self) -> float:
        """Seconds between two updates."""
        return SECONDS_BETWEEN_UPDATES if self.live else SECONDS_BETWEEN_LINES


class Stage:
    """A stretch of equal pieces of work."""

    def __init__(self, progress: Progress, name: str, total: int | None, unit: str) -> None:
        self._progress = progress
        self._name = name
        self._total = total
        self._unit = unit
        self._done = 0
        self._skipped = 0
        self._printed = -1
        self._start = self._shown = monotonic()

    def advance(self, count: int = 1) -> None:
        """Tell that `count` more pieces are done."""
        self._done += count
        if monotonic() - self._shown >= self._progress.pause:
            self.show()

    def skip(self, count: int) -> None:
        """Tell that `count` pieces were there already; they say nothing about the speed."""
        self._skipped += count

    def show(self, *, last: bool = False) -> None:
        """Print the stage as it stands."""
        if last and not self._progress.live and self._printed == self._done + self._skipped:
            return
        self._printed = self._done + self._skipped
        self._shown = monotonic()
        self._progress.write(self._text(self._shown - self._start), last=last)

    def _text(self, elapsed: float) -> str:
        reached = self._done + self._skipped
        share = f"{reached}/{self._total}" if self._total is not None else str(reached)
        text = f"{self._name}: {share} {self._unit}, {_clock(elapsed)}"
        if self._total is not None and self._done > 0 and reached < self._total:
            text += f", {_clock(elapsed / self._done * (self._total - reached))} left"
        return text


def _clock(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
