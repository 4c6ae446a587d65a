"""What a request to time methods names, opened and checked: its methods, its plan and its clip."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import torch

from bench.data import Dataset
from bench.evaluate.video import as_tensor
from bench.measure.time.methods import Plan, TimedClip
from bench.measure.time.modes import Mode
from bench.measure.time.samples import CLIP_LENGTH, SCOPES, Scope
from bench.measure.time.stopping import FixedRounds, Precision, Rule, WarmUp
from bench.methods.device import select_device
from bench.methods.names import check_names
from bench.methods.setup import Setup, set_up
from bench.sweep.messages import Request
from mpvss.errors import UserError


def prepare(request: Request, on: str | None = None) -> tuple[Setup, Plan, TimedClip]:
    """Open and check what a request names, on its device or on another one.

    Raises:
        UserError: bad input.
    """
    plan = _plan(
        request.protocol,
        request.scopes,
        request.batch,
        request.mode or Mode(),
        request.seed,
        width=request.precision,
        minimum=request.samples,
        time_limit=request.time_limit,
    )
    plan.mode.check(select_device(request.device))
    setup = set_up(
        methods=request.methods,
        backbones=request.backbones,
        data=request.data,
        labels=request.labels,
        classes=request.classes,
        size=request.size,
        weights=request.weights,
        execution=request.execution,
        seed=request.seed,
        device=on or request.device,
        threads=request.threads,
        ground_truth_flow=False,
    )
    clip = timed_clip(setup.dataset, plan, setup.device)
    if request.protocol == "paper" and len(clip.frames) < CLIP_LENGTH:
        raise UserError(
            f"the first clip of {request.data} has {len(clip.frames)} frames; the paper's protocol needs {CLIP_LENGTH}"
        )
    return setup, plan, clip


def timed_clip(dataset: Dataset, plan: Plan, device: torch.device) -> TimedClip:
    """The first frames of the data's first clip, on the device.

    Raises:
        UserError: scope `video` of data whose frames are not decoded, or come with labels that are read too.
    """
    clip = dataset.clips[0]
    if "video" in plan.scopes and dataset.labelled:
        raise UserError(
            f"scope video times decoding, and {dataset.name} is not decoded alone: its labels are read or made with "
            "it; give video:PATH, or folder:PATH without labels"
        )

    def decode():
        return (as_tensor(frame.image, device) for frame in islice(clip.frames(), CLIP_LENGTH))

    return TimedClip(list(decode()), decode, dataset.frame_rate)


def _plan(protocol: str, scopes: Sequence[Scope], batch: int, mode: Mode, seed: int, **given: float | None) -> Plan:
    check_names(scopes, SCOPES, "scope")
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if protocol == "paper" and chosen:
        raise UserError("precision, samples and time limit are of the precise protocol; the paper's is three rounds")
    rule: Rule = FixedRounds(3) if protocol == "paper" else Precision(**chosen)
    warmup = WarmUp(tolerance=None, most=1) if protocol == "paper" else WarmUp()
    return Plan(scopes=tuple(scopes), rule=rule, warmup=warmup, mode=mode, seed=seed, streams=batch, energy=True)
