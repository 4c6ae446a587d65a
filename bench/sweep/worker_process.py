"""The other end of `bench.sweep.worker`: starts the process, talks with it, and ends it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType

import msgspec

from bench.sweep.messages import GO, STOP, Broken, Done, Passed, Ready, Refused, Reply, Task, Turn
from bench.sweep.times import Measured
from mpvss.errors import UserError

SECONDS_TO_END = 5.0


class WorkerError(RuntimeError):
    """A process that measures has failed; the message holds what it said."""


def present_path() -> tuple[str, ...]:
    """Where this process finds its modules."""
    return tuple(os.path.abspath(folder) for folder in sys.path)  # noqa: PTH100 - `''` is the present folder


@dataclass(frozen=True)
class Interpreter:
    """What runs a worker: a Python, and the folders in which it looks for modules first."""

    python: str = sys.executable
    path: Sequence[str] = field(default_factory=present_path)


class WorkerProcess:
    """A process that measures a task. Used as a context, so that it has ended when the block is left."""

    def __init__(self, task: Task, interpreter: Interpreter, tick: Callable[[], object] = lambda: None) -> None:
        self._tick = tick
        self.measured: Measured | None = None
        """What it measured; None until it is done."""
        self._process = subprocess.Popen(
            # -P: the present folder may hold another revision of this code.
            [interpreter.python, "-P", "-m", "bench.sweep.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(interpreter.path)},
            start_new_session=True,  # Ctrl-C is for this process, which then ends the worker
        )
        self._write(msgspec.json.encode(task).decode())

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        if kind is not None:
            self._process.terminate()
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def ready(self) -> Ready:
        """Wait until it can measure; what it runs on.

        Raises:
            UserError: it refused the request.
            WorkerError: it failed.
        """
        reply = self._read()
        assert isinstance(reply, Ready), reply
        return reply

    def go(self) -> bool:
        """Let it measure until its turn ends; whether it takes another one.

        Raises:
            UserError: it refused the request.
            WorkerError: it failed.
        """
        self._write(GO)
        return self._listen()

    def stop(self) -> None:
        """Tell it that it had its last turn, and wait for what it measured.

        Raises:
            WorkerError: it failed.
        """
        self._write(STOP)
        self._listen()

    def _listen(self) -> bool:
        while True:
            reply = self._read()
            if isinstance(reply, Passed):
                self._tick()
            elif isinstance(reply, Turn):
                return True
            else:
                assert isinstance(reply, Done), reply
                self.measured = reply.measured
                return False

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended; reading says why
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def _read(self) -> Reply:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise WorkerError(f"the process that measures ended without a word, with status {self._process.wait()}")
        reply = msgspec.json.decode(line, type=Reply)
        if isinstance(reply, Refused):
            raise UserError(reply.text)
        if isinstance(reply, Broken):
            raise WorkerError(f"{reply.text}\n{reply.traceback}")
        return reply
