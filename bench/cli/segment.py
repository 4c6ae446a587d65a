"""`mpvss-bench segment`: its options."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli import options, status

EXAMPLES = """\
examples:
  mpvss-bench segment street.mp4 --out overlay.mp4
  mpvss-bench segment frames/ --fps 15 --method optical-flow --backbone swin-t --classes 124 \\
      --weights mask2former.pth --interval 10 --out overlay.mp4
"""

UNKNOWN_RATE = 15
"""Frames a second of what does not say its rate."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "segment",
        help="draw the predicted classes over a video",
        description="Run one method over a video file or a folder of frames, and write the video under the "
        "colours of the predicted classes. Key frames carry a white square in their corner.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("video", metavar="VIDEO", help="video file or folder of frames (or a data spec, see sweep)")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT.mp4", help="the video to write")
    parser.add_argument("--method", default="mpvss", help="default: mpvss")
    parser.add_argument("--backbone", default="micro", help="default: micro")
    parser.add_argument("--interval", type=int, default=5, metavar="N", help="key-frame interval (default: 5)")
    parser.add_argument("--classes", type=int, metavar="N", help="default: the data's, else the weights'")
    options.add_weights(parser)
    parser.add_argument("--fps", type=float, help="of the output (default: the data's; 15 where it has none)")
    parser.add_argument("--frames", type=int, metavar="N", help="the first N frames alone")
    options.add_device(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from bench.evaluate.schedule import FixedInterval
    from bench.methods.setup import set_up
    from bench.pictures.overlay import write_overlay
    from bench.runs.progress import Progress

    schedule = FixedInterval(args.interval)
    setup = set_up(
        methods=[args.method],
        backbones=[args.backbone],
        data=args.video,
        classes=args.classes,
        frames=args.frames,
        weights=args.weights,
        seed=args.seed,
        device=args.device,
        threads=args.threads,
        ground_truth_flow=False,
        classes_of_weights=True,
    )
    built = setup.build_all(args.backbone)
    progress = Progress()
    if not setup.weights.file(args.method, args.backbone):
        progress.say("the weights are untrained, so the classes mean nothing; give --weights for real ones")
    write_overlay(
        setup.only_clip,
        built.segmenters[args.method],
        args.out,
        palette=setup.palette,
        fps=args.fps if args.fps is not None else setup.dataset.frame_rate or UNKNOWN_RATE,
        schedule=schedule,
        device=setup.device,
        progress=progress,
    )
    return status.DONE
