"""The right to write in a folder, held by one process at a time, on network file systems too.

The folder then has a file `.lease` that says who holds it. It is created exclusively, which NFS does in one step, and
touched every few seconds. It is void where its process is gone, as far as this machine can see, or where nobody touched
it for a minute by the file system's own clock.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import msgspec

from bench.runs.files import read_bytes, remove_unfinished
from mpvss.errors import UserError
from mpvss.files import cannot_be_written

NAME = ".lease"
SECONDS_BETWEEN_TOUCHES = 10.0
VOID_AFTER = 60.0
"""Seconds without a touch."""


class HeldError(UserError):
    """Another process holds the lease."""


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a lease."""

    token: str
    host: str
    namespace: str | None
    """In which process numbers count; None where the system does not say."""
    process: int
    started: str | None
    """When the process began, as the system counts; a number that is used again has another."""
    since: str

    @classmethod
    def this_process(cls) -> Owner:
        """The present process, with a token of its own."""
        return cls(
            token=secrets.token_hex(16),
            host=socket.gethostname(),
            namespace=_namespace(),
            process=os.getpid(),
            started=_started(os.getpid()),
            since=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    @property
    def is_gone(self) -> bool:
        """Whether the process has certainly ended; of another machine nobody can tell."""
        here = self.host == socket.gethostname() and self.namespace == _namespace()
        return here and self.namespace is not None and _started(self.process) != self.started

    def __str__(self) -> str:
        return f"process {self.process} on {self.host} since {self.since}"


class Lease:
    """A lease that is held: until nothing refers to it any more, or the process ends."""

    def __init__(self, file: Path, owner: Owner) -> None:
        self._file, self._owner = file, owner
        ended = Event()
        Thread(target=_touch, args=(file, owner, ended), daemon=True).start()
        weakref.finalize(self, _release, file, owner, ended)

    def check(self) -> None:
        """Raise UserError where another process has taken the folder over, as after this one slept for minutes."""
        if _holder(self._file) != self._owner:
            raise UserError(
                f"{self._file.parent} was taken over by another process while this one did not answer; nothing more "
                "is written to it from here"
            )


_held: weakref.WeakValueDictionary[tuple[int, Path], Lease] = weakref.WeakValueDictionary()
"""The leases of this process, by its number (a forked child has another) and the file."""


def take_lease(folder: Path) -> Lease:
    """The lease of a folder that is there; within a process all that write in it share one.

    Raises:
        HeldError: another process holds it.
        UserError: the folder cannot be written.
    """
    file, owner = folder.resolve() / NAME, Owner.this_process()
    if (held := _held.get((owner.process, file))) is not None:
        return held
    lease = None
    try:
        while not _created(file, owner):
            holder = _holder(file)
            if not _is_void(file, holder):
                raise HeldError(
                    f"{folder} is being written by {holder or 'another process'}; wait for it to end, or give another "
                    "folder"
                )
            _remove(file, holder)
        lease = _held[owner.process, file] = Lease(file, owner)
        return lease
    except OSError as error:
        raise cannot_be_written(folder, error) from error
    finally:
        if lease is None and _holder(file) == owner:  # interrupted between the file and the object that removes it
            file.unlink(missing_ok=True)


def _created(file: Path, owner: Owner) -> bool:
    """Create the file of a lease; False where there is one."""
    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(msgspec.json.encode(owner))
    except OSError:
        file.unlink(missing_ok=True)  # an empty one would keep others out for a while
        raise
    return True


@contextlib.contextmanager
def sole_writer(folder: Path, *within: Path) -> Iterator[Lease]:
    """Hold the lease of a folder; what a killed process left unfinished in it, and in folders within, is removed.

    Raises:
        UserError: as `take_lease`.
    """
    lease = take_lease(folder)
    for place in (folder, *within):
        remove_unfinished(place)
    yield lease


def _touch(file: Path, owner: Owner, ended: Event) -> None:
    while not ended.wait(SECONDS_BETWEEN_TOUCHES):
        if _holder(file) != owner:
            return
        with contextlib.suppress(OSError):
            os.utime(file)


def _release(file: Path, owner: Owner, ended: Event) -> None:
    ended.set()
    if owner.process == os.getpid() and _holder(file) == owner:  # a forked child inherits the object alone
        file.unlink(missing_ok=True)


def _holder(file: Path) -> Owner | None:
    """Who holds the lease; None where the file does not say, or is not there."""
    try:
        return msgspec.json.decode(read_bytes(file, most=4096), type=Owner)
    except (UserError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _is_void(file: Path, holder: Owner | None) -> bool:
    if holder is not None and holder.is_gone:
        return True
    try:
        return _file_system_time(file.parent) - file.stat().st_mtime > VOID_AFTER
    except FileNotFoundError:
        return True


def _remove(file: Path, holder: Owner | None) -> None:
    """Remove a void lease. Of several processes that do so at once, one moves it away; the others find it gone."""
    aside = file.with_name(f"{NAME}.{secrets.token_hex(8)}")
    with contextlib.suppress(FileNotFoundError):
        file.rename(aside)
        if _holder(aside) != holder:  # another process was quicker, and what was moved is its new lease
            with contextlib.suppress(OSError):
                os.link(aside, file)
        aside.unlink()


def _file_system_time(folder: Path) -> float:
    """The present time by the clock that gives the files of `folder` their times."""
    probe = folder / f"{NAME}.{secrets.token_hex(8)}"
    probe.touch()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink()


def _namespace() -> str | None:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return None


def _started(process: int) -> str | None:
    """Clock ticks since boot at which a process of this machine began; None where there is none, or it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]
