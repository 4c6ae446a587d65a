"""Times taken by several processes, one after the other.

Each builds the methods, warms up and takes samples of its own. How fast a process is as a whole differs from one to the
next, and only several of them show by how much.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import time

from bench.measure.time.stopping import Precision, Rule
from bench.sweep.failure import Failure
from bench.sweep.merge_processes import merged
from bench.sweep.messages import Request, Task
from bench.sweep.times import Measured
from bench.sweep.worker_process import Interpreter, WorkerError, WorkerProcess

PROCESSES = 5
"""How many a latency run takes, unless told otherwise: as many as a verdict of `compare` needs."""

LEAST_SHARE = 0.001
"""Seconds; with so little, a process runs one round."""


def measure_in_processes(
    request: Request,
    backbone: str,
    methods: Mapping[str, bool],
    rule: Rule,
    processes: int,
    tick: Callable[[], object] = lambda: None,
) -> Measured:
    """Measure methods, each with whether it has non-key frames, in several processes that share samples and time.

    `tick` is called after each timed pass. Where a process fails as a whole, all methods have failed.

    Raises:
        UserError: the request is bad input.
    """
    began, found = time(), []
    for process in range(processes):
        now = time()
        task = Task(
            request=request,
            backbone=backbone,
            methods=dict(methods),
            process=process,
            processes=processes,
            time_limit=_share(rule, now - began, processes - process),
            started=now,
        )
        try:
            found.append(measure_in_process(task, Interpreter(), tick))
        except WorkerError as error:
            return Measured({}, {}, {}, dict.fromkeys(methods, Failure.of(error)), {})
    return merged(found, rule)


def measure_in_process(task: Task, interpreter: Interpreter, tick: Callable[[], object] = lambda: None) -> Measured:
    """Measure a task in a process of its own, without turns.

    Raises:
        UserError: the request is bad input.
        WorkerError: the process failed.
    """
    with WorkerProcess(task, interpreter, tick) as worker:
        worker.ready()
        worker.go()
        assert worker.measured is not None
        return worker.measured


def _share(rule: Rule, passed: float, processes: int) -> float | None:
    """What each of the processes that are left has of the time limit, in seconds; None where there is none."""
    return max((rule.time_limit - passed) / processes, LEAST_SHARE) if isinstance(rule, Precision) else None
