"""Methods timed in turn: in every round each makes one pass over the clip, in a new random order.

Drift of the machine (clocks, temperature, other work) thus affects all methods alike.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from time import perf_counter

import torch
from torch import Tensor

from bench.measure.time.guard import Guard
from bench.measure.time.modes import Mode, Steps
from bench.measure.time.passes import FrameTime, run_pass
from bench.measure.time.samples import KINDS, Course, Sample, Scope, Times
from bench.measure.time.stopping import Rule, WarmUp
from bench.measure.time.streams import run_streams
from mpvss.errors import UserError


@dataclass(frozen=True)
class Subject:
    """A method in one scope. `frames` gives the clip's frames, anew for each pass."""

    method: str
    scope: Scope
    steps: Steps
    frames: Callable[[], Iterable[Tensor]]
    interval: int
    streams: int = 1
    """How many run at once in scope `throughput`."""


@dataclass
class Sampler:
    """Settings and results of the passes of one group of methods.

    A method that fails is left out of later passes; its error is in `failed`.
    """

    subjects: Sequence[Subject]
    count: int
    mode: Mode
    device: torch.device
    seed: int
    guard: Guard | None = None
    tick: Callable[[], object] = lambda: None
    """Called after each pass."""
    started: float = field(default_factory=perf_counter)
    """When the work on these methods began, by `perf_counter`; a time limit counts from then."""
    times: dict[tuple[str, Scope], Times] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.count < 1:
            raise UserError("there is no frame to time")
        self._order = random.Random(self.seed)
        self.times |= {(subject.method, subject.scope): Times() for subject in self.subjects}

    def run(self, rule: Rule, warmup: WarmUp) -> Course:
        """Warm up, then run rounds until the rule ends the sampling or every method has failed."""
        warmup_rounds, stable = self._warm_up(warmup, rule)
        start = end = perf_counter()
        for index in itertools.count():
            begin = end
            for subject, samples in self._round(index, self.count):
                self._of(subject).samples.extend(samples)
            end = perf_counter()
            groups = [self._of(subject).seconds(kind) for subject in self._alive() for kind in KINDS]
            with_one_more = end - self.started + (end - begin)
            stopped = (
                rule.reached([times for times in groups if times], index + 1, with_one_more) if groups else "failure"
            )
            if stopped is not None:
                return Course(stopped, index + 1, end - start, start - self.started, warmup_rounds, stable)
        raise AssertionError("rounds never run out")

    def _warm_up(self, warmup: WarmUp, rule: Rule) -> tuple[int, bool | None]:
        """Rounds that do not count, until times have settled; no more than leave time for a round that counts."""
        before = None
        for index in range(warmup.most):
            begin = perf_counter()
            last: dict[tuple[str, Scope, bool], list[float]] = {}
            for subject, samples in self._round(index, min(self.count, warmup.frames or self.count)):
                self._of(subject).warmup.extend(samples)
                for sample in samples:
                    last.setdefault((subject.method, subject.scope, sample.key), []).append(sample.seconds)
            if warmup.settled(before, last):
                return index + 1, True
            before, end = last, perf_counter()
            if rule.out_of_time(end - self.started + 2 * (end - begin)):
                return index + 1, None if warmup.tolerance is None else False
        return warmup.most, None if warmup.tolerance is None else False

    def _round(self, index: int, count: int) -> list[tuple[Subject, list[Sample]]]:
        alive = self._alive()
        done = []
        for place, subject in enumerate(self._order.sample(alive, len(alive))):
            if subject.method in self.failed:
                continue
            try:
                samples = self._pass(subject, index, place, count)
            except Exception as error:
                self.failed[subject.method] = error
            else:
                done.append((subject, samples))
            self.tick()
        return done

    def _pass(self, subject: Subject, index: int, place: int, count: int) -> list[Sample]:
        if self.guard is not None:
            self.guard.start_pass()
        times = self._times(subject, count)
        throttled = None if self.guard is None else self.guard.end_pass()
        return [Sample(round=index, place=place, throttled=throttled, **asdict(time)) for time in times]

    def _times(self, subject: Subject, count: int) -> list[FrameTime]:
        if subject.scope == "throughput":
            return run_streams(
                subject.steps,
                list(subject.frames()),
                count=count,
                streams=subject.streams,
                interval=subject.interval,
                mode=self.mode,
                device=self.device,
            )
        return run_pass(
            subject.steps,
            subject.frames(),
            count=count,
            scope=subject.scope,
            interval=subject.interval,
            mode=self.mode,
            device=self.device,
        )

    def _alive(self) -> list[Subject]:
        return [subject for subject in self.subjects if subject.method not in self.failed]

    def _of(self, subject: Subject) -> Times:
        return self.times[subject.method, subject.scope]
