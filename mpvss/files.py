"""Writing files so that at every moment a path holds the whole old content or the whole new one."""

from __future__ import annotations

import contextlib
import errno
import glob
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mpvss.errors import UserError

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None

UNFINISHED = ".part"
"""Ending of what is being written; its name begins with a dot. What a kill left behind under it is of no use."""
LONGEST_STEM = 100
"""Bytes of a file's own name in that of the unfinished one; file systems take 255."""


def is_file(path: Path) -> bool:
    """Whether a regular file is there; False too where its name is longer than the file system takes."""
    try:
        return path.is_file()
    except OSError:
        return False


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which takes the place of `path` when the block ends, and vanishes where the block fails.

    Its name is its own, so that two processes that write `path` at once do not meet; the later one stays. What a killed
    process left of an earlier try is removed.

    Raises:
        UserError: the file cannot be written, as where no space is left.
    """
    temporary: Path | None = None
    raw: _Raw | None = None
    lock = contextlib.ExitStack()
    try:
        _remove_left(path)
        handle, temporary = _locked_file(path)
        if fcntl is not None:  # the lock outlasts the file that is written to
            lock.callback(os.close, os.dup(handle))
        raw = _Raw(handle, "w")
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
        lock.close()


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


def _locked_file(path: Path) -> tuple[int, Path]:
    """A new file beside `path`, whose lock tells other processes that it is being written."""
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=unfinished_prefix(path), suffix=UNFINISHED)
        _lock(handle)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # another process was quicker, took it for one that was left, and removed it


def _remove_left(path: Path) -> None:
    for left in path.parent.glob(f"{glob.escape(unfinished_prefix(path))}*{UNFINISHED}"):
        with contextlib.suppress(OSError):  # it has gone by now, or is a folder
            handle = os.open(left, os.O_RDWR)
            try:
                if _lock(handle):
                    left.unlink()
            finally:
                os.close(handle)


def _lock(handle: int) -> bool:
    """Lock an open file until it is closed; False where another process has locked it, or nothing can be locked."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class _Raw(io.FileIO):
    """A file that remembers why it could not be written: libraries that write to it raise errors of their own."""

    failure: OSError | None = None

    def write(self, data: object) -> int | None:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            self.failure = error
            raise
