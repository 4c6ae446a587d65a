"""`mpvss-bench schedules`: its options. Imports nothing heavy."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from bench.cli import options, status

TEXT = """\
Place key frames where they are wanted, not at a fixed interval: play schedules over clips, each at the level that gives
about one key frame in 2, 3, 5, 7 and 10 frames, and hold their accuracy against the fixed interval's at equal cost.
Costs are multiply-accumulates a frame, with what the schedule itself computes.
"""
NOTES = """\
schedules (--schedules); a key frame where the signal, seen from the last key frame, is above a level:
  difference  mean absolute difference of the frames
  flow        mean length of the optical flow
  revealed    share of pixels that the key frame does not explain: new in view, or uncovered
  confidence  by how much the propagated prediction is less sure than the key frame's: share of the best class
  entropy     the same by the entropy of the classes
  decision    DVSNet's decision network; its weights are random unless --decision-weights names a DVSNet
  budget:SIGNAL  one key frame in each window of frames, where the signal is highest; it looks at the whole window
  random      chance, the floor
  oracle      the best choice by the ground truth, the ceiling
  fixed       the fixed interval, which is always played, at every interval up to --longest

The flow is the method's own where it has one, else that of the FlowNetS that is shipped. Levels are chosen on the clips
that are scored, by the number of key frames alone. An interrupted evaluation resumes when you rerun the command, and
schedules and intervals that are added later run no network.

examples:
  mpvss-bench schedules --data synthetic:clips=4 --weights shipped --threads 1 --out results/runs/schedules
  mpvss-bench report results/runs/schedules
"""
ARGUMENTS = (
    *("schedules", "methods", "backbones", "intervals", "longest", "data", "labels", "classes", "clips", "frames"),
    *("weights", "decision_weights", "execution", "seed", "device", "threads"),
)
"""Options that are arguments of the function by the same names."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "schedules",
        help="adaptive key frames beside the fixed interval, at equal cost",
        description=TEXT,
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the results")
    names = {"type": options.names, "metavar": "LIST"}
    what = parser.add_argument_group("what to play (lists are separated by commas)")
    what.add_argument("--schedules", help="see below (default: all)", **names)
    what.add_argument("--methods", default=["mpvss"], help="methods with key frames (default: mpvss)", **names)
    what.add_argument("--backbones", default=["micro"], help="backbones (default: micro)", **names)
    what.add_argument(
        "--intervals",
        type=options.integers,
        default=[2, 3, 5, 7, 10],
        metavar="LIST",
        help="frames a key frame that levels are chosen for (default: 2,3,5,7,10)",
    )
    what.add_argument(
        "--longest",
        type=int,
        default=20,
        metavar="N",
        help="frames from a key frame to the next, at most (default: 20)",
    )
    options.add_weights(what)
    what.add_argument("--decision-weights", type=Path, metavar="FILE", help="checkpoint of a DVSNet (default: random)")
    what.add_argument("--execution", choices=("lean", "paper"), default="lean", help="the graph (default: lean)")
    data = parser.add_argument_group("data, of which every frame has labels (see sweep)")
    options.add_data(data, default="synthetic")
    data.add_argument("--clips", type=int, metavar="N", help="use the first N clips alone")
    data.add_argument("--frames", type=int, metavar="N", help="use the first N frames of each clip alone")
    options.add_device(parser.add_argument_group("how to compute"))
    parser.set_defaults(run=_run, resumes=True)


def _run(args: argparse.Namespace) -> int:
    from bench.adaptive import schedules
    from bench.report.tables.schedules import schedules_table

    given = {name: getattr(args, name) for name in ARGUMENTS if getattr(args, name) is not None}
    print(schedules_table(schedules(args.out, **given, command=options.command())))
    print(f"done; next: mpvss-bench report {shlex.quote(str(args.out))}", file=sys.stderr)
    return status.DONE
