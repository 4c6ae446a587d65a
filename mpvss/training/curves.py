"""TensorBoard's files of a training run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from mpvss.files import cannot_be_written


class Curves:
    """Writes each line of a run's history. The files grow at their end, and are read up to where they are whole."""

    def __init__(self, folder: Path, start: int) -> None:
        """Resume after `start` steps; what was written of later ones is dropped where it is read.

        Events files are read in the order of their names, which begin with the second they were opened in, so a file is
        never opened in the second of the one before it.

        Raises:
            UserError: they cannot be written; so do `add` and `close`.
        """
        self._folder = folder
        opened = {file.name.split(".")[3] for file in folder.glob("events.out.tfevents.*")}
        while str(int(time.time())) in opened:
            time.sleep(0.01)
        with self._named():
            self._writer = SummaryWriter(str(folder), purge_step=start + 1)

    def add(self, row: Mapping[str, float], step: int) -> None:
        """Write a line of the history."""
        with self._named():
            for name, value in row.items():
                self._writer.add_scalar(name, value, step)
            self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        with self._named():
            self._writer.close()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Name the folder in errors, which come without."""
        try:
            yield
        except OSError as error:
            raise cannot_be_written(self._folder, error) from error
