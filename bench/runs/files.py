"""How the project names, reads and writes files. Nothing else writes a file that is read again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from pathlib import Path
from urllib.parse import quote

from mpvss.errors import UserError
from mpvss.files import UNFINISHED, written_whole

LONGEST_NAME = 100
"""Characters of a quoted name; file systems take 255 bytes, and a cell's file has two names."""
MOST_BYTES = 256 * 2**20
"""A larger file is no record: the largest, of a long latency run, have a few MiB."""


def file_name(name: str) -> str:
    """A name as one component of a path: it never leaves its folder, and no file system refuses it.

    All but letters, digits, `_`, `-`, `~` and `.` is %-quoted, and so is a leading dot. A long name is cut, and ends in
    a part of its SHA-256.
    """
    quoted = quote(name, safe="")
    if quoted.startswith("."):
        quoted = "%2E" + quoted[1:]
    if len(quoted) > LONGEST_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        quoted = f"{quoted[: LONGEST_NAME - len(digest) - 1]}-{digest}"
    return quoted


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a file.

    Raises:
        UserError: the file cannot be read, is no regular file, or has over `most` bytes.
    """
    try:
        # Opening a pipe that nobody writes to would wait for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UserError(f"{path} is no regular file")
            size = status.st_size
            if size > most:
                raise UserError(f"{path} has {size} bytes; a file of its kind has at most {most}")
            return file.read()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from None


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        UserError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path} cannot be made: {error.strerror or error}") from error


def write_text(path: Path, text: str) -> None:
    """Write a text in one step, as `write_atomically`."""
    write_atomically(path, text.encode())


def write_json(path: Path, value: object) -> None:
    """Write a JSON file in one step; a list of numbers stands on one line.

    Raises:
        ValueError: a value is NaN or infinite, which JSON does not have.
        UserError: as `write_atomically`.
    """
    text = json.dumps(value, indent=1, allow_nan=False) + "\n"
    # A line break is never part of a JSON string, so that no text is touched.
    text = re.sub(r"\[\n[^\[\]{}\"]*\]", lambda found: re.sub(r"\n *", "", found[0]).replace(",", ", "), text)
    write_text(path, text)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that at every moment its path holds the whole old content or the whole new one.

    Raises:
        UserError: the file cannot be written.
    """
    with written_whole(path) as file:
        file.write(data)


def remove_unfinished(folder: Path) -> None:
    """Remove the files directly in a folder that a killed process was writing. Nobody else may be writing there."""
    for file in folder.glob(f".*{UNFINISHED}"):
        if file.is_file() and not file.is_symlink():
            file.unlink(missing_ok=True)
