"""Writing files so that at every moment a path holds the whole old content or the whole new one."""

from __future__ import annotations

import errno
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mpvss.errors import UserError

UNFINISHED = ".part"
"""Ending of what is being written; its name begins with a dot. What a kill left behind under it is of no use."""
LONGEST_STEM = 100
"""Bytes of a file's own name in that of the unfinished one; file systems take 255."""


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which takes the place of `path` when the block ends, and vanishes where the block fails.

    Its name is its own, so that two processes that write `path` at once do not meet; the later one stays.

    Raises:
        UserError: the file cannot be written, as where no space is left.
    """
    temporary: Path | None = None
    raw: _Raw | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=unfinished_prefix(path), suffix=UNFINISHED)
        temporary, raw = Path(name), _Raw(handle, "w")
        with io.BufferedWriter(raw) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp gives the owner alone the right to read
        temporary.replace(path)
    except OSError as error:
        raise cannot_be_written(path, error) from error
    except Exception as error:
        if raw is not None and raw.failure is not None:
            raise cannot_be_written(path, raw.failure) from error
        raise
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def unfinished_prefix(path: Path) -> str:
    """How the name of what will take the place of `path` begins while it is written."""
    return f".{os.fsencode(path.name)[:LONGEST_STEM].decode(errors='ignore')}."


def cannot_be_written(path: Path, error: OSError) -> UserError:
    """The error for a file or folder that cannot be written; with the free space, where that is what is missing."""
    space = ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        there = next(folder for folder in (path, *path.parents) if folder.is_dir())
        space = f"; {shutil.disk_usage(there).free / 2**20:.1f} MiB are free there"
    return UserError(f"{path} cannot be written: {error.strerror or error}{space}")


class _Raw(io.FileIO):
    """A file that remembers why it could not be written: libraries that write to it raise errors of their own."""

    failure: OSError | None = None

    def write(self, data: object) -> int | None:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            self.failure = error
            raise
