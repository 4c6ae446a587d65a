"""Where the time of both kinds of frame goes: a profile's folder, and its numbers in a card's cell."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from msgspec import structs
from torch import Tensor

from bench.measure.time.methods import PROTOCOL_INTERVAL
from bench.measure.time.samples import KINDS
from bench.profiling.profile import Profile, profile_method
from bench.profiling.tables import stage_rows
from bench.profiling.write import write_profile
from bench.runs.records.card import FrameProfile
from bench.runs.records.environment import Environment
from mpvss.video import VideoSegmenter

FRAMES = 6
"""Two key frames and four others."""
MOST_TRACE_BYTES = 8_000_000


def profiled(
    segmenter: VideoSegmenter,
    frames: list[Tensor],
    folder: Path,
    device: torch.device,
    *,
    configuration: dict[str, Any],
    environment: Environment,
) -> list[FrameProfile]:
    """Profile the first frames, (3, H, W) each, write the profile's folder, and give its numbers for a cell."""
    images = [frame.cpu().numpy() for frame in frames[:FRAMES]]
    found = profile_method(segmenter, images, PROTOCOL_INTERVAL, device)
    write_profile(
        found,
        folder,
        configuration={**configuration, "interval": PROTOCOL_INTERVAL, "frames": FRAMES, "device": device.type},
        environment=structs.asdict(environment),
        most_trace_bytes=MOST_TRACE_BYTES,
    )
    return frame_profiles(found)


def frame_profiles(found: Profile) -> list[FrameProfile]:
    """Both kinds of frame, as means over their frames."""
    rows = stage_rows(found.measured, found.counts, found.ceilings)
    profiles = []
    for kind in KINDS:
        frames = [frame for frame in found.measured if frame.kind == kind]
        work = [frame.device for frame in frames if frame.device is not None]
        profiles.append(
            FrameProfile(
                frame=kind,
                ms=1000 * fmean(frame.seconds for frame in frames),
                stage_ms={row["stage"]: row["ms"] for row in rows if row["frame"] == kind and row["ms"]},
                launches=fmean(x.launches for x in work) if work else None,
                busy_ms=1000 * fmean(x.busy_seconds for x in work) if work else None,
                idle_ms=1000 * fmean(sum(x.gaps) for x in work) if work else None,
            )
        )
    return profiles
