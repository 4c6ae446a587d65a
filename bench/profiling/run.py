"""From the command line's arguments to a profile's folder."""

from __future__ import annotations

import argparse

from torch import nn

from bench.data import open_dataset
from bench.evaluate.schedule import FixedInterval
from bench.measure.environment import describe_environment
from bench.methods import build
from bench.methods.device import select_device, set_threads
from bench.methods.names import branches, known_methods
from bench.profiling.profile import profile_method
from bench.profiling.write import check_folder, write_profile
from mpvss.errors import UserError


def run_profile(args: argparse.Namespace) -> int:
    """Profile what is asked for, write it, and print what a person reads of it."""
    if args.method not in known_methods():
        raise UserError(f"unknown method {args.method!r}; known are {', '.join(known_methods())}")
    for name, value in (("--frames", args.frames), ("--classes", args.classes)):
        if value < 1:
            raise UserError(f"{name} is {value}; it must be 1 or more")
    if args.max_trace_mb <= 0:
        raise UserError(f"--max-trace-mb is {args.max_trace_mb:g}; it must be above 0")
    FixedInterval(args.interval)
    check_folder(args.out)
    device = select_device(args.device)
    set_threads(args.threads)
    of_frame, of_key = branches(args.method, args.backbone)
    segmenter = build(args.method, backbone=of_frame, key_backbone=of_key, num_classes=args.classes)
    if isinstance(segmenter, nn.Module):
        segmenter.to(device)
    height, width = args.size
    data = f"generated:clips=1,frames={args.frames},size={height}x{width}"
    images = [frame.image for frame in open_dataset(data).clips[0].read()]
    profile = profile_method(segmenter, images, args.interval, device)
    text = write_profile(
        profile,
        args.out,
        configuration={
            "method": args.method,
            "backbone": args.backbone,
            "size": list(args.size),
            "num_classes": args.classes,
            "interval": args.interval,
            "frames": args.frames,
            "device": args.device,
            "data": data,
        },
        environment=describe_environment(device),
        most_trace_bytes=int(args.max_trace_mb * 1e6),
    )
    print(text, end="")
    print(f"\nwritten: {args.out}")
    return 0
