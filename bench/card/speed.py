"""Times of one method by the paper's protocol, key and non-key frames apart, with energy and peak memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bench.measure.memory import PeakMemory
from bench.measure.time.methods import PROTOCOL_INTERVAL, Plan, TimedClip, method_memory, time_methods
from bench.measure.time.modes import Mode
from bench.measure.time.record import DEADLINES, timing_record
from bench.measure.time.samples import CLIP_LENGTH
from bench.measure.time.stopping import BRIEF_WARM_UP, FixedRounds, WarmUp
from bench.methods.names import PER_FRAME
from bench.runs.records.cell import CellMemory
from mpvss.video import VideoSegmenter, uses_key_frames

NAME = "method"
FULL_ROUND = WarmUp(tolerance=None, most=1)
"""The warm-up of the paper's protocol here."""
OF_A_TRY = BRIEF_WARM_UP


def speed(
    segmenter: VideoSegmenter,
    method: str,
    frames: list[Tensor],
    mode: Mode,
    *,
    rounds: int,
    warmup: WarmUp,
    seed: int,
) -> dict[str, Any]:
    """The `timing` and `memory` of a card's cell: 15 frames, interval 5, batch 1, scope `model`.

    Raises:
        Exception: what the method raises in this mode.
    """
    assert len(frames) == CLIP_LENGTH
    mode.check(frames[0].device)
    memory = method_memory(segmenter, frames, mode) if not mode.prepares else None
    interval = interval_of(segmenter, method)
    plan = Plan(
        scopes=("model",),
        interval=interval,
        rule=FixedRounds(rounds),
        warmup=warmup,
        mode=mode,
        seed=seed,
        energy=True,
    )
    only_keys = {NAME} if interval == 1 else set()
    timings, failed = time_methods({NAME: segmenter}, TimedClip(frames, lambda: frames), plan, only_keys=only_keys)
    for error in failed.values():
        raise error
    return {
        "timing": timing_record(timings[NAME], interval, DEADLINES),
        "memory": None if memory is None else _record(memory),
    }


def interval_of(segmenter: VideoSegmenter, method: str) -> int:
    """The key-frame interval of a pass: 1 where every frame is a key frame, or none is."""
    return 1 if method == PER_FRAME or not uses_key_frames(segmenter) else PROTOCOL_INTERVAL


def give_back_memory(device: torch.device) -> None:
    """Return what torch keeps of the device for later, so that the next method starts as the first did."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _record(memory: PeakMemory) -> CellMemory:
    return CellMemory(
        host_peak_bytes=memory.host_peak,
        host_before_bytes=memory.host_before,
        host_peak_source=memory.source,
        device_peak_bytes=memory.device_peak,
    )
