"""Writing files so that at every moment a path holds the whole old content or the whole new one."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mpvss.errors import UserError

UNFINISHED = ".part"
"""Ending of a file that is being written; it begins with a dot. One that a kill left behind is of no use."""
LONGEST_STEM = 100


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which takes the place of `path` when the block ends, and vanishes where the block fails.

    Its name is its own, so that two processes that write `path` at once do not meet; the later one stays.

    Raises:
        UserError: the file cannot be written, as where no space is left.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:LONGEST_STEM]}.", suffix=UNFINISHED)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp gives the owner alone the right to read
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}{_space(error, path)}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _space(error: OSError, path: Path) -> str:
    """How much space there is, where that is what was missing."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return ""
    return f"; {shutil.disk_usage(path.parent).free / 2**20:.1f} MiB are free there"
