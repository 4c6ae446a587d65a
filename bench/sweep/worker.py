"""A process that measures, told what to do on standard input: `python -m bench.sweep.worker`.

A line holds the task; the answer is `Ready`. Each line `go` lets it measure until its turn ends, or to the end where it
takes no turns. It writes its answers where standard output was, and what methods print goes to standard error.
"""

from __future__ import annotations

import math
import os
import sys
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, time
from typing import TextIO

import msgspec

import bench
from bench.measure.environment import describe_environment
from bench.measure.time.stopping import Precision, Rule, Times, WarmUp
from bench.sweep.messages import GO, Broken, Done, Passed, Ready, Refused, Reply, Task, Turn
from bench.sweep.prepare import prepare
from bench.sweep.times import measure_methods
from mpvss.errors import UserError

FEWEST_SAMPLES = 6
"""A median's interval takes as many."""


@dataclass(frozen=True)
class Turns:
    """A rule that ends sampling when it is told to, and waits for its turn after each round."""

    answer: Callable[[Reply], None]
    go_on: Callable[[], bool]

    def reached(self, groups: Collection[Times], rounds: int, seconds: float) -> str | None:
        """`rounds`, once that was the last turn."""
        self.answer(Turn())
        return None if self.go_on() else "rounds"

    def out_of_time(self, seconds: float) -> bool:
        """Never: the other end decides."""
        return False


def share_of(rule: Rule, processes: int, time_limit: float | None) -> Rule:
    """The rule of one of several processes: its share of the samples and of the time."""
    if not isinstance(rule, Precision):
        return rule
    minimum = max(math.ceil(rule.minimum / processes), FEWEST_SAMPLES) if processes > 1 else rule.minimum
    return replace(rule, minimum=minimum, time_limit=rule.time_limit if time_limit is None else time_limit)


def work(task: Task, answer: Callable[[Reply], None], go_on: Callable[[], bool]) -> None:
    """Measure a task.

    Raises:
        UserError: the request is bad input.
    """
    setup, plan, clip = prepare(task.request)
    plan = replace(
        plan,
        rule=share_of(plan.rule, task.processes, task.time_limit),
        seed=plan.seed + task.process,
        energy=task.process == 0,
    )
    if task.warmup_rounds is not None:
        plan = replace(
            plan, rule=Turns(answer, go_on), warmup=WarmUp(tolerance=None, most=task.warmup_rounds), energy=False
        )
    code = str(Path(bench.__file__).resolve().parents[1])
    answer(Ready(code, describe_environment(setup.device), setup.weights.identity()))
    if not go_on():
        return
    measured = measure_methods(
        task.methods,
        task.backbone,
        clip,
        plan,
        setup.build,
        alone=task.process == 0,
        started=None if task.started is None else perf_counter() - (time() - task.started),
        tick=lambda: answer(Passed()),
    )
    answer(Done(measured))


def main(commands: TextIO, replies: TextIO) -> int:
    """Do the task that `commands` holds; the exit status."""

    def answer(reply: Reply) -> None:
        replies.write(msgspec.json.encode(reply).decode() + "\n")
        replies.flush()

    try:
        task = msgspec.json.decode(commands.readline(), type=Task)
        work(task, answer, lambda: commands.readline().strip() == GO)
    except BrokenPipeError:
        return 1  # nobody listens any more
    except (UserError, msgspec.ValidationError) as error:
        answer(Refused(str(error)))
        return 2
    except Exception as error:
        answer(Broken(f"{type(error).__name__}: {error}", traceback.format_exc()))
        return 1
    return 0


if __name__ == "__main__":
    sys.stdout.flush()
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.exit(main(sys.stdin, channel))
