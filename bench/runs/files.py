"""How the project names, reads and writes files. Nothing else writes a file that is read again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from pathlib import Path
from urllib.parse import quote

from mpvss.errors import UserError

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
        UserError: the file cannot be read, or has over `most` bytes.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
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
    try:
        _replace(path, data)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from error


def _replace(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:LONGEST_NAME]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
