"""A method's profile from its name to the files of a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from msgspec import structs
from torch import nn

from bench.data import open_dataset
from bench.evaluate.schedule import FixedInterval
from bench.evaluate.turns import follows_the_clip
from bench.measure.environment import describe_environment
from bench.methods import build
from bench.methods.names import branches, known_methods
from bench.profiling.frames import images_for
from bench.profiling.profile import Profile, profile_method
from bench.profiling.write import check_folder, write_profile
from mpvss.errors import UserError

CPU = torch.device("cpu")


@dataclass(frozen=True)
class ProfileReport:
    """A profile and where it was written.

    Attributes:
        profile: every time, count and trace event.
        folder: the files that `write_profile` made.
        text: the content of `profile.md`.

    """

    profile: Profile
    folder: Path
    text: str


def profile(
    method: str,
    out: Path,
    *,
    backbone: str = "micro",
    size: tuple[int, int] = (480, 853),
    num_classes: int = 124,
    interval: int = 5,
    frames: int = 6,
    device: torch.device = CPU,
    max_trace_mb: float = 50,
    command: str | None = None,
) -> ProfileReport:
    """Profile a method with random weights over a generated clip, and write what was found.

    Args:
        method: the project's own, or one that a package adds.
        out: a folder that is missing, is empty, or holds an earlier profile, which is replaced.
        backbone: its name; for Accel also KEY+OTHER.
        size: height and width of the frames, in pixels.
        num_classes: classes of the method.
        interval: key-frame interval.
        frames: how many frames are profiled.
        device: where the method runs.
        max_trace_mb: bound on the compressed trace, in 10^6 bytes; see `compress_trace` for what is dropped.
        command: the command to record in `profile.json`, if there was one.

    Raises:
        UserError: an unknown method or backbone, a number that is too small, a folder with other files, an operator
            whose work cannot be counted, a trace that cannot be kept under the bound.

    """
    if method not in known_methods():
        raise UserError(f"unknown method {method!r}; known are {', '.join(known_methods())}")
    for name, value in (("frames", frames), ("the number of classes", num_classes)):
        if value < 1:
            raise UserError(f"{name} is {value}; it must be 1 or more")
    if not max_trace_mb > 0:
        raise UserError(f"the trace's limit is {max_trace_mb:g} MB; it must be above 0")
    FixedInterval(interval)
    check_folder(out)
    of_frame, of_key = branches(method, backbone)
    segmenter = build(method, backbone=of_frame, key_backbone=of_key, num_classes=num_classes)
    if isinstance(segmenter, nn.Module):
        segmenter.to(device)
    data = f"generated:clips=1,frames={images_for(segmenter, frames)},size={size[0]}x{size[1]}"
    images = [frame.image for frame in open_dataset(data).clips[0].frames()]
    found = profile_method(segmenter, images, interval, device)
    text = write_profile(
        found,
        out,
        configuration={
            "method": method,
            "backbone": backbone,
            "size": list(size),
            "num_classes": num_classes,
            "interval": interval,
            "key_frames": not follows_the_clip(segmenter),
            "frames": frames,
            "device": device.type,
            "data": data,
            **({} if command is None else {"command": command}),
        },
        environment=structs.asdict(describe_environment(device)),
        most_trace_bytes=int(max_trace_mb * 1e6),
    )
    return ProfileReport(found, out, text)
