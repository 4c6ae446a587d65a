"""`mpvss-bench segment`: a method over a video of the user's own."""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

from bench.cli.main import known_names
from bench.data import colour_map, frame_rate, open_dataset
from bench.data.limit import limit
from bench.evaluate.schedule import FixedInterval
from bench.methods.builder import registry_builder
from bench.methods.device import select_device, set_threads
from bench.methods.names import UNTRAINED, backbone_names, known_methods
from bench.methods.weights import Weights
from bench.pictures.overlay import write_overlay
from bench.runs.progress import Progress
from mpvss.checkpoints import read_num_classes
from mpvss.errors import UserError

CLASSES = 19
FOLDER_FPS = 15


def run_segment(args: argparse.Namespace) -> int:
    """Write the overlay of the one clip that is named."""
    (method,) = known_names([args.method], known_methods(), "method")
    (backbone,) = backbone_names([args.backbone], [method])
    schedule = FixedInterval(args.interval)
    device = select_device(args.device)
    set_threads(args.threads)
    dataset = limit(open_dataset(args.video, None, args.classes), None, args.frames)
    if len(dataset.clips) != 1:
        names = ", ".join(clip.name for clip in dataset.clips[:5])
        raise UserError(f"{args.video} holds {len(dataset.clips)} clips ({names}, …); give one of them")
    in_weights = None if args.weights is None else read_num_classes(args.weights)
    num_classes = dataset.num_classes or in_weights or CLASSES
    weights = Weights({} if args.weights is None else {backbone: args.weights})
    build = registry_builder(num_classes=num_classes, device=device, execution="lean", seed=args.seed, weights=weights)
    built = build([method], backbone)
    for error in built.failed.values():
        raise error
    progress = Progress()
    if built.weights[method] == UNTRAINED:
        progress.say("the weights are untrained, so the classes mean nothing; give --weights for real ones")
    write_overlay(
        dataset.clips[0],
        built.segmenters[method],
        args.out,
        palette=dataset.palette if dataset.num_classes else colour_map(num_classes),
        fps=args.fps if args.fps is not None else _frame_rate(args.video),
        schedule=schedule,
        device=device,
        progress=progress,
    )
    return 0


def _frame_rate(video: str) -> Fraction | int:
    file = Path(video.removeprefix("video:"))
    return frame_rate(file) if file.is_file() else FOLDER_FPS
