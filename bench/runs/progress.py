"""Progress of a long job on standard error: a live bar in a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TextIO

from tqdm import tqdm

SECONDS_BETWEEN_UPDATES = 0.2
SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Stages one after the other, and messages between them."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._live = self._stream.isatty()

    @contextmanager
    def stage(self, name: str, total: int | None, unit: str) -> Iterator[Stage]:
        """A stage of `total` units of work (None: unknown); its last line is shown however the block ends."""
        stage = Stage(self._stream, name, total, unit, live=self._live)
        try:
            yield stage
        finally:
            stage.close()

    def say(self, text: str) -> None:
        """Print a line of its own."""
        if self._live:
            tqdm.write(text, file=self._stream)  # moves a live bar below the line
        else:
            print(text, file=self._stream, flush=True)


class Stage:
    """A stretch of equal pieces of work. Made by `Progress.stage`."""

    def __init__(self, stream: TextIO, name: str, total: int | None, unit: str, *, live: bool) -> None:
        self._stream = stream
        self._live = live
        self._shown_at = monotonic()
        self._shown_count = -1
        self._bar = _Bar(
            desc=name,
            total=total,
            unit=f" {unit}",
            file=stream if live else io.StringIO(),  # plain lines are printed here, from the bar's text
            bar_format=None if live else _plain_format(total),
            mininterval=SECONDS_BETWEEN_UPDATES,
            miniters=1,
            smoothing=0,
            dynamic_ncols=live,
        )

    def advance(self, count: int = 1) -> None:
        """Tell that `count` more pieces are done."""
        self._bar.update(count)
        if not self._live and monotonic() - self._shown_at >= SECONDS_BETWEEN_LINES:
            self._print_line()

    def skip(self, count: int) -> None:
        """Tell that `count` pieces were there already; the time left is not estimated from them."""
        self._bar.initial += count
        self._bar.n += count

    def close(self) -> None:
        """Show the stage as it ended."""
        self._bar.close()
        if not self._live and self._shown_count != self._bar.n:
            self._print_line()

    def _print_line(self) -> None:
        self._shown_at = monotonic()
        self._shown_count = self._bar.n
        print(self._bar, file=self._stream, flush=True)


class _Bar(tqdm):
    monitor_interval = 0
    """No thread that watches the bar: with `miniters=1` every update looks at the clock."""


def _plain_format(total: int | None) -> str:
    return (
        "{desc}: {n_fmt}{unit}, {elapsed}"
        if total is None
        else "{desc}: {n_fmt}/{total_fmt}{unit}, {elapsed}<{remaining}"
    )
