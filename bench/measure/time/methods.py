"""Times of methods under comparison, taken in one process, in turn, in the scopes asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from time import perf_counter

import torch
from torch import Tensor

from bench.measure.memory import PeakMemory, peak_memory
from bench.measure.time.energy import Meter, counter_period, frame_energy
from bench.measure.time.guard import Card, open_card, open_guard
from bench.measure.time.modes import Mode, Steps, prepare
from bench.measure.time.passes import run_pass
from bench.measure.time.sampler import Sampler, Subject
from bench.measure.time.samples import Scope, Timing
from bench.measure.time.stopping import BRIEF_WARM_UP, FixedRounds, Rule, WarmUp
from mpvss.errors import UserError
from mpvss.video import VideoSegmenter, frame_size

PROTOCOL_INTERVAL = 5
"""Key-frame interval of the timed passes, as in the paper."""


@dataclass(frozen=True)
class TimedClip:
    """The clip of the passes, 15 frames or fewer.

    Attributes:
        frames: (3, H, W) each, on the device.
        decode: reads the same frames from their file, and brings them to the device; for scope `video`.
        frame_rate: frames a second of the camera; None: unknown.

    """

    frames: Sequence[Tensor]
    decode: Callable[[], Iterable[Tensor]]
    frame_rate: Fraction | None = None


@dataclass(frozen=True)
class Plan:
    """How times are taken.

    Attributes:
        scopes: each has passes of its own.
        interval: key-frame interval of a pass; the times of each kind serve any interval.
        rule: when sampling ends.
        warmup: the rounds before those that count.
        mode: how networks are run.
        seed: seed of the random order of passes.
        streams: how many run at once in scope `throughput`.
        energy: whether a frame's energy is measured after the times, where the card has a counter.

    """

    scopes: tuple[Scope, ...] = ("labels",)
    interval: int = PROTOCOL_INTERVAL
    rule: Rule = field(default_factory=FixedRounds)
    warmup: WarmUp = BRIEF_WARM_UP
    mode: Mode = field(default_factory=Mode)
    seed: int = 0
    streams: int = 1
    energy: bool = False

    def __post_init__(self) -> None:
        if self.streams < 1:
            raise UserError(f"batch is {self.streams}; it must be 1 or more")
        if self.streams > 1 and "throughput" not in self.scopes:
            raise UserError(f"batch {self.streams} is of scope throughput; the other scopes run one frame at a time")
        if self.streams > 1 and self.mode.cuda_graphs:
            raise UserError("CUDA graphs keep the state of one stream; leave them out for a batch above 1")


def time_methods(
    segmenters: Mapping[str, VideoSegmenter],
    clip: TimedClip,
    plan: Plan,
    *,
    only_keys: Iterable[str] = (),
    started: float | None = None,
    tick: Callable[[], object] = lambda: None,
) -> tuple[dict[str, Timing], dict[str, Exception]]:
    """Time methods (by name) over a clip, interleaved; the times, and the errors of methods that failed.

    `only_keys` are methods for which every frame is a key frame. A time limit counts from `started` (by `perf_counter`;
    None: now). `tick` is called after each pass.
    """
    started = perf_counter() if started is None else started
    device = clip.frames[0].device
    card = open_card(device)
    guard = open_guard(card)
    steps, compile_seconds, failed = _prepare_all(segmenters, clip, plan)
    intervals = {method: 1 if method in only_keys else plan.interval for method in steps}
    subjects = [
        Subject(
            method,
            scope,
            steps[method][scope],
            clip.decode if scope == "video" else lambda: clip.frames,
            intervals[method],
            plan.streams,
        )
        for method in steps
        for scope in plan.scopes
    ]
    sampler = Sampler(subjects, len(clip.frames), plan.mode, device, plan.seed, guard, tick, started)
    course = sampler.run(plan.rule, plan.warmup)
    failed |= sampler.failed
    timings = {}
    for method in steps.keys() - failed.keys():
        energy = None
        if plan.energy and (meter := _meter(card, device)) is not None:
            energy = frame_energy(
                meter,
                steps[method][plan.scopes[0]],
                clip.frames,
                plan.mode,
                every_frame_key=intervals[method] == 1,
            )
        timings[method] = Timing(
            {scope: sampler.times[method, scope] for scope in plan.scopes},
            course,
            compile_seconds[method],
            None if guard is None else guard.summary(),
            energy,
            frame_size(clip.frames[0]),
        )
    return timings, failed


def method_memory(segmenter: VideoSegmenter, frames: Sequence[Tensor], mode: Mode) -> PeakMemory:
    """The peak memory of a key frame and two others after it, each to its label map; without key frames, of the clip.

    The peak is that of the whole process, so no other method should be built.
    """
    device = frames[0].device
    steps, _ = prepare(segmenter, "labels", mode, frames)
    with peak_memory(device) as memory:
        count = min(3, len(frames)) if steps.key_frames else len(frames)
        run_pass(steps, frames, count=count, scope="labels", interval=count, mode=mode, device=device)
    return memory


def _prepare_all(
    segmenters: Mapping[str, VideoSegmenter], clip: TimedClip, plan: Plan
) -> tuple[dict[str, dict[Scope, Steps]], dict[str, float | None], dict[str, Exception]]:
    steps: dict[str, dict[Scope, Steps]] = {}
    seconds: dict[str, float | None] = {}
    failed: dict[str, Exception] = {}
    for method, segmenter in segmenters.items():
        try:
            # All scopes but `model` run the same steps, which are prepared once.
            needed: set[Scope] = {_steps_of(scope) for scope in plan.scopes}
            made = {scope: prepare(segmenter, scope, plan.mode, clip.frames) for scope in needed}
        except Exception as error:
            failed[method] = error
            continue
        steps[method] = {scope: made[_steps_of(scope)][0] for scope in plan.scopes}
        took = [time for _, time in made.values() if time is not None]
        seconds[method] = sum(took) if took else None
    return steps, seconds, failed


def _steps_of(scope: Scope) -> Scope:
    return "model" if scope == "model" else "labels"


def _meter(card: Card | None, device: torch.device) -> Meter | None:
    if card is None or not card.can(card.energy):
        return None
    period = counter_period(card.energy)
    return None if period is None else Meter(card.energy, period, lambda: torch.cuda.synchronize(device))
