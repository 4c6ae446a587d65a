"""Worker processes that score the clips of one backbone side by side.

Work is cut by clip: methods and intervals share a frame's networks, and stay together. Each clip's scores are a file,
which the calling process adds up in the order of the clips, so that the sum does not depend on who did what when.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from bench.runs.files import remove_unfinished
from bench.sweep.crew_worker import Broken, ClipDone, FrameDone, Job, Ready, Refused, Said, Task, work
from bench.sweep.failure import Failure
from mpvss.errors import UserError

TRIES = 2
"""Workers that a clip may cost."""
LEFT_TO_US = {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}


@dataclass(frozen=True)
class ToScore:
    """A clip that is to be scored: its number and name, and how many frames it has where that is known."""

    index: int
    name: str
    frames: int | None


@dataclass(eq=False)
class _Worker:
    number: int
    process: BaseProcess
    connection: Connection
    clip: ToScore | None = None
    ready: bool = False
    frames: int = 0
    """Of its clip, so far."""


class Crew:
    """Workers on clips that are handed out one by one, the longest first.

    A worker that ends before its time is told of and replaced, and its clip is given to another; where that one ends
    too, every method fails.
    """

    def __init__(
        self, job: Job, clips: Sequence[ToScore], *, say: Callable[[str], object], advance: Callable[[int], object]
    ) -> None:
        self._job = job
        self._waiting = sorted(clips, key=lambda clip: (-(clip.frames or 0), clip.index))
        self._methods = list(dict.fromkeys(cell.method for cell in job.cells))
        self._say = say
        self._advance = advance
        self._workers: list[_Worker] = []
        self._lost: Counter[int] = Counter()
        self._failed: dict[str, tuple[int, Failure]] = {}
        """Methods, each with the first clip in which it failed."""

    def score(self, workers: int) -> Mapping[str, Failure]:
        """Score all clips with so many workers; the methods that failed.

        Raises:
            UserError: bad input, as where a frame cannot be read.
        """
        try:
            for number in range(min(workers, len(self._waiting))):
                self._start(number)
            while self._workers and (self._waiting or any(worker.clip for worker in self._workers)):
                for connection in wait([worker.connection for worker in self._workers]):
                    self._hear(next(worker for worker in self._workers if worker.connection is connection))
                self._hand_out()
        finally:
            for worker in self._workers:
                worker.process.kill()
            for worker in self._workers:
                worker.process.join()
            remove_unfinished(self._job.folder)
            if self._job.keeping is not None:
                self._job.keeping.store.remove_unfinished()
        return {method: failure for method, (_, failure) in self._failed.items()}

    def _start(self, number: int) -> None:
        context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
        pipe: Any = context.Pipe()
        ours, theirs = pipe
        process = context.Process(target=work, args=(theirs, number, self._job), daemon=True)
        with _deaf():
            process.start()
        theirs.close()  # the pipe then ends with the worker
        self._workers.append(_Worker(number, process, ours))

    def _hear(self, worker: _Worker) -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join()
            return self._lose(worker, _how_it_ended(worker.process))
        match message:
            case FrameDone():
                worker.frames += 1
                self._advance(1)
            case Said(text):
                self._say(text)
            case Refused(text):
                raise UserError(text)
            case Broken(failure):
                self._lose(worker, failure)
            case Ready():
                worker.ready = True
            case ClipDone(failed):
                assert worker.clip is not None
                self._note(worker.clip.index, failed)
                worker.clip, worker.frames = None, 0
        return None

    def _hand_out(self) -> None:
        """Give the workers that wait the next clips, while any method is left."""
        if len(self._failed) == len(self._methods):
            self._waiting.clear()
        for worker in self._workers:
            if worker.ready and worker.clip is None and self._waiting:
                worker.clip = self._waiting.pop(0)
                without = {method: failure for method, (_, failure) in self._failed.items()}
                with suppress(OSError):  # it has just ended, and is heard of next
                    worker.connection.send(Task(worker.clip.index, without))

    def _note(self, clip: int, failed: Mapping[str, Failure]) -> None:
        for method, failure in failed.items():
            known = self._failed.get(method)
            if known is None or (clip < known[0] and failure != known[1]):
                self._failed[method] = (clip, failure)

    def _lose(self, worker: _Worker, failure: Failure) -> None:
        """A worker has ended. Its clip goes to another; one that never came to work is not replaced."""
        self._workers.remove(worker)
        worker.process.kill()
        worker.process.join()
        self._advance(-worker.frames)
        clip = worker.clip
        where = "before its first clip" if clip is None else f"in clip {clip.name}"
        self._say(f"worker {worker.number + 1} ended {where}: {failure.text}")
        if clip is not None:
            self._lost[clip.index] += 1
            if self._lost[clip.index] < TRIES:
                self._waiting.insert(0, clip)
                self._start(worker.number)
                return
        if clip is not None or not self._workers:
            self._note(-1 if clip is None else clip.index, dict.fromkeys(self._methods, failure))
            self._waiting.clear()


def _how_it_ended(process: BaseProcess) -> Failure:
    code = process.exitcode or 0
    if code >= 0:
        text = f"WorkerError: the process ended with status {code}"
    else:
        text = f"WorkerError: the process was ended by {signal.Signals(-code).name}"
        if -code == signal.SIGKILL:
            text += ", as where memory is short; fewer workers need less"
    return Failure(text, text)


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that are started in this block do not hear the signals that Ctrl-C and schedulers send to all.

    The present process does, and ends them.
    """
    resource_tracker.ensure_running()  # else the first start does so, which unblocks signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, LEFT_TO_US)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
