"""Writing a folder so that its path holds all of the old files or all of the new ones."""

from __future__ import annotations

import glob
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.runs.files import make_folder
from bench.runs.lease import HeldError, sole_writer, take_lease
from mpvss.files import UNFINISHED, cannot_be_written, unfinished_prefix

NEW, OLD = "new", "old"
"""Names of the two folders within the unfinished one."""


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of `path` when the block ends, and vanishes where the block fails.

    What a killed process left of an earlier one is removed. One that was killed between moving the old folder away and
    the new one in leaves the old one, which gets its name back.

    Raises:
        UserError: the folder cannot be written, as where no space is left.
    """
    make_folder(path.parent)
    _remove_left(path)
    try:
        with (
            tempfile.TemporaryDirectory(dir=path.parent, prefix=unfinished_prefix(path), suffix=UNFINISHED) as name,
            sole_writer(Path(name)),
        ):
            new = Path(name) / NEW
            new.mkdir()
            yield new
            if path.exists():
                path.rename(Path(name) / OLD)
            new.rename(path)
    except OSError as error:
        raise cannot_be_written(path, error) from error


def _remove_left(path: Path) -> None:
    for left in path.parent.glob(f"{glob.escape(unfinished_prefix(path))}*{UNFINISHED}"):
        if not left.is_dir() or left.is_symlink():
            continue
        try:
            lease = take_lease(left)
        except HeldError:
            continue
        if not path.exists() and (left / OLD).is_dir():
            (left / OLD).rename(path)
        shutil.rmtree(left, ignore_errors=True)
        del lease
