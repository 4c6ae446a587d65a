"""A method's profile from its name to the files of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from msgspec import structs

from bench.data import open_dataset
from bench.evaluate.schedule import FixedInterval
from bench.evaluate.turns import follows_the_clip
from bench.measure.environment import describe_environment
from bench.methods.builder import registry_builder
from bench.methods.image_networks import FORMATS
from bench.methods.setup import check_rows, parse_weights
from bench.profiling.frames import images_for
from bench.profiling.profile import Profile, profile_method
from bench.profiling.write import check_folder, write_profile
from mpvss.checkpoints import read_num_classes
from mpvss.errors import UserError

CLASSES = 124
"""Of a method with random weights: VSPW's."""
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
    num_classes: int | None = None,
    weights: Sequence[str] = (),
    seed: int = 0,
    interval: int = 5,
    frames: int = 6,
    device: torch.device = CPU,
    max_trace_mb: float = 50,
    command: str | None = None,
) -> ProfileReport:
    """Profile a method over a generated clip, and write what was found.

    Args:
        method: METHOD or METHOD@LABEL: the project's own, or one that a package adds.
        out: a folder that is missing, is empty, or holds an earlier profile, which is replaced.
        backbone: its name; for Accel also KEY+OTHER.
        size: height and width of the frames, in pixels.
        num_classes: classes of the method; None: those of its weights, or 124 where these are random.
        weights: a checkpoint, or `shipped`, as in a sweep; without any, weights are random.
        seed: of random weights.
        interval: key-frame interval.
        frames: how many frames are profiled.
        device: where the method runs.
        max_trace_mb: bound on the compressed trace, in 10^6 bytes; see `compress_trace` for what is dropped.
        command: the command to record in `profile.json`, if there was one.

    Raises:
        UserError: an unknown method or backbone, a number that is too small, a folder with other files, an operator
            whose work cannot be counted, a trace that cannot be kept under the bound.

    """
    rows = check_rows([method], ground_truth_flow=False)
    for name, value in (("frames", frames), ("the number of classes", num_classes)):
        if value is not None and value < 1:
            raise UserError(f"{name} is {value}; it must be 1 or more")
    if not max_trace_mb > 0:
        raise UserError(f"the trace's limit is {max_trace_mb:g} MB; it must be above 0")
    FixedInterval(interval)
    check_folder(out)
    checkpoints = parse_weights(weights, rows, [backbone])
    file = checkpoints.file(method, backbone)
    num_classes = num_classes or (read_num_classes(file, *FORMATS) if file else None) or CLASSES
    build = registry_builder(num_classes=num_classes, device=device, execution="lean", seed=seed, weights=checkpoints)
    built = build(rows, backbone)
    for error in built.failed.values():
        raise error
    segmenter = built.segmenters[method]
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
            "weights": built.weights[method],
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
