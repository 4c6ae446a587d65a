"""`mpvss-bench segment`: its options."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli import options

EXAMPLES = """\
examples:
  mpvss-bench segment street.mp4 --out overlay.mp4
  mpvss-bench segment frames/ --fps 15 --method optical-flow --backbone swin-t --classes 124 \\
      --weights mask2former.pth --interval 10 --out overlay.mp4
"""


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
    parser.add_argument("--classes", type=int, metavar="N", help="number of classes (default: the weights', or 19)")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="checkpoint (default: untrained)")
    parser.add_argument("--fps", type=float, help="of the output (default: the video's; 15 for a folder)")
    parser.add_argument("--frames", type=int, metavar="N", help="the first N frames alone")
    parser.add_argument("--seed", type=int, default=0, help="of untrained weights (default: 0)")
    options.add_device(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from bench.pictures.segment import run_segment

    return run_segment(args)
