"""The command line, `mpvss-bench`. Parsing imports no torch, so that help comes at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench import arguments, compare_command, latency_parser, ship_command, strip_command, train_parser
from bench.measure import cost_command, peer_command
from bench.profiling import command as profile_command

USAGE_ERROR, INTERRUPTED = 2, 130

EXAMPLES = """\
examples:
  mpvss-bench sweep --out results/runs/demo
      the small family on clips made up on the spot: works on a bare machine, takes a minute or two
  mpvss-bench report results/runs/demo
      a page, tables and figures of it, in results/runs/demo/report
  mpvss-bench latency --out results/runs/speed
      how long key and other frames take, as precisely as asked for
  mpvss-bench segment street.mp4 --out overlay.mp4
      a video of your own under the predicted classes
  mpvss-bench train small-per-frame --out results/runs/small
      train a method; `mpvss-bench train --help` lists the presets
  mpvss-bench cost --help
      parameters and multiply-accumulates, without running anything

`mpvss-bench COMMAND --help` explains each command. Exit status: 0 done, 1 done but something failed (the
output says what), 2 the input was refused, 130 interrupted.
"""

SWEEP_TEXT = """\
Measure every cell of methods x backbones x key-frame intervals on a data set: accuracy (mIoU, WIoU, mVC8,
mVC16), cost (GMACs, parameters), speed (FPS and times per kind of frame) and peak memory. A cell is written
as it ends. A sweep that was stopped goes on where it was when the same command is given again; a cell that
failed is tried again then. The lists of methods, backbones and intervals may grow between starts, everything
else must stay.
"""
SWEEP_EXAMPLES = """\
data sets (--data):
  generated                           made up on the spot; also generated:clips=2,frames=20,size=96x160,seed=3
  synthetic                           streets and rooms rendered by the project, 40 held-out clips of 30 frames; also
                                      synthetic:split=train,clips=9,frames=20,size=96x160,seed=3 (or val, test)
  vspw:PATH                           VSPW_480p as it is distributed; also vspw:PATH,split=train (val, test)
  cityscapes:PATH                     Cityscapes: leftImg8bit_sequence and gtFine; also with split=; each method is
                                      scored at every distance from a key frame to the labelled one, then averaged
  camvid:PATH                         CamVid as the SegNet tutorial lays it out
  folder:PATH                         a folder of frames, or of folders of them; labels: --labels, --classes
  video:PATH                          a video file; without labels, so without accuracy; give --classes

examples:
  mpvss-bench sweep --out results/runs/demo
  mpvss-bench sweep --methods copy,optical-flow,mpvss --backbones r50,swin-t --intervals 1,2,5,10 \\
      --data camvid:data/camvid --out results/runs/camvid
  mpvss-bench sweep --backbones swin-t --weights swin-t=mask2former.pth --weights swin-t/mpvss=mpvss.pth \\
      --data camvid:data/camvid --out results/runs/trained
  mpvss-bench sweep --methods per-frame,true-flow,optical-flow@pre-trained,optical-flow@fine-tuned,mpvss \\
      --weights shipped --data synthetic --intervals 1,2,5,10 --out results/runs/synthetic
"""
REPORT_EXAMPLES = """\
examples:
  mpvss-bench report results/runs/demo
  mpvss-bench report results/runs/one results/runs/two --out both
  mpvss-bench report results/measured --out reports --formats html,md,tex,csv,svg
      the report that comes with the project
"""
SEGMENT_EXAMPLES = """\
examples:
  mpvss-bench segment street.mp4 --out overlay.mp4
  mpvss-bench segment frames/ --fps 15 --method optical-flow --backbone swin-t --classes 124 \\
      --weights mask2former.pth --interval 10 --out overlay.mp4
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; its exit status. Input that is refused gives one line on standard error and status 2."""
    args = make_parser().parse_args(argv)
    try:
        return args.run(args)
    except (ValueError, OSError) as error:
        print(f"mpvss-bench: error: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print("\nmpvss-bench: interrupted", file=sys.stderr)
        return INTERRUPTED


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets `run`, a function from its arguments to the exit status."""
    parser = argparse.ArgumentParser(
        prog="mpvss-bench",
        description="Measure methods for video semantic segmentation: accuracy, cost, speed and memory, at "
        "any backbone and key-frame interval.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_sweep(commands)
    _add_report(commands)
    latency_parser.add_parser(commands)
    compare_command.add_parser(commands)
    _add_segment(commands)
    strip_command.add_parser(commands)
    train_parser.add_parser(commands)
    ship_command.add_parser(commands)
    cost_command.add_parser(commands)
    profile_command.add_parser(commands)
    peer_command.add_parser(commands)
    return parser


def _add_sweep(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "sweep",
        help="measure methods x backbones x intervals on a data set",
        description=SWEEP_TEXT,
        epilog=SWEEP_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the results")
    what = parser.add_argument_group("what to measure (lists are separated by commas)")
    what.add_argument(
        "--methods",
        type=arguments.names,
        default=["all"],
        metavar="LIST",
        help="methods (default: all of the project's own); METHOD@LABEL is a further row of one, with weights of its "
        "own; true-flow warps by the true flow, which synthetic clips know",
    )
    what.add_argument(
        "--backbones",
        type=arguments.names,
        default=["micro"],
        metavar="LIST",
        help="backbones, or all (default: micro)",
    )
    what.add_argument(
        "--intervals",
        type=arguments.integers,
        default=[1, 2, 5, 10],
        metavar="LIST",
        help="key-frame intervals (default: 1,2,5,10); per-frame is measured once, as interval 1",
    )
    what.add_argument(
        "--weights",
        action="append",
        default=[],
        metavar="[BACKBONE[/METHOD[@LABEL]]=]FILE",
        help="checkpoint of a backbone, or of one row of it; may be repeated. `shipped`: those that come with the "
        "project, for all rows that no other is given for (default: untrained)",
    )
    what.add_argument("--execution", choices=("lean", "paper"), default="lean", help="the graph (default: lean)")
    what.add_argument("--seed", type=int, default=0, help="of untrained weights (default: 0)")
    data = parser.add_argument_group("data")
    arguments.add_data(data)
    data.add_argument("--clips", type=int, metavar="N", help="use the first N clips alone")
    data.add_argument("--frames", type=int, metavar="N", help="use the first N frames of each clip alone")
    how = parser.add_argument_group("how")
    how.add_argument("--repeats", type=int, default=3, metavar="N", help="timed passes over a clip (default: 3)")
    arguments.add_device(how)
    parser.set_defaults(run=_sweep)


def _add_report(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "report",
        help="a page, tables and figures of finished sweeps, beside the paper's",
        description="Write a page (index.html), a text (report.md), tables and figures from files alone: what was "
        "measured, beside what the paper prints, and what becomes of its claims.",
        epilog=REPORT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "runs",
        nargs="+",
        type=Path,
        metavar="RUN",
        help="results folder of a sweep, or a folder that holds such folders and counted costs (cost-*.json)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="where to write (default: RUN/report; needed for several)",
    )
    parser.add_argument(
        "--formats",
        type=arguments.names,
        metavar="LIST",
        help="some of html,md,tex,csv,svg,png (default: all)",
    )
    parser.set_defaults(run=_report)


def _add_segment(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "segment",
        help="draw the predicted classes over a video",
        description="Run one method over a video file or a folder of frames, and write the video under the "
        "colours of the predicted classes. Key frames carry a white square in their corner.",
        epilog=SEGMENT_EXAMPLES,
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
    arguments.add_device(parser)
    parser.set_defaults(run=_segment)


def _sweep(args: argparse.Namespace) -> int:
    from bench.sweep_command import run_sweep

    return run_sweep(args)


def _report(args: argparse.Namespace) -> int:
    from bench.report import FORMATS, write_report

    if args.out is None and len(args.runs) > 1:
        raise ValueError("several runs are given; say with --out where their common report goes")
    out = args.out or args.runs[0] / "report"
    files = write_report(args.runs, out, FORMATS if args.formats is None else args.formats)
    for file in files:
        if file.parent == out:
            print(file)
    print(f"{len(files)} files in {out}")
    return 0


def _segment(args: argparse.Namespace) -> int:
    from bench.segment_command import run_segment

    return run_segment(args)


def known_names(names: Iterable[str], known: Sequence[str], what: str) -> tuple[str, ...]:
    """The names, as they are.

    Raises:
        ValueError: a name that is not known.
    """
    names = list(names)
    for name in names:
        if name not in known:
            raise ValueError(f"unknown {what} {name!r}; known are {', '.join(known)}")
    return tuple(names)
