"""`mpvss-bench stream`: its options. Imports nothing heavy."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from bench.cli import options, status

TEXT = """\
A camera does not wait. Replay a stream from the measured times of a run: at each frame's time, score what is on show,
the newest finished label map, against that frame's ground truth. The stall of a key frame, which FPS at an interval
hides, shows. The times are those of the run, so no device of its kind is needed. The result follows from them alone.
"""
NOTES = """\
while frames wait (--waiting):
  drop    the method takes the newest frame when it is free; those before it are left out
  queue   it takes every frame in turn, however late
key frames (--keys):
  sync        a key frame holds up the frames after it
  background  key frames have a processor of their own, which slows the other down by nothing; every frame is propagated
              meanwhile from the last key frame that is finished

A key frame is due when the last one lies an interval back, in frames of the camera. An interrupted evaluation resumes
with the methods that are missing when you rerun the command.

examples:
  mpvss-bench stream results/runs/speed --weights shipped --out results/runs/stream
  mpvss-bench stream results/measured/small-speed --methods per-frame,mpvss --intervals 1,5 --rates 30,60 \\
      --data synthetic:clips=4 --weights shipped --out results/runs/stream-fast
  mpvss-bench report results/runs/stream
"""
ARGUMENTS = (
    *("rates", "methods", "backbones", "intervals", "waiting", "keys", "scope", "data", "labels", "classes", "clips"),
    *("frames", "weights", "device", "threads"),
)
"""Options that are arguments of the function by the same names."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "stream",
        help="accuracy on a camera that does not wait, from measured times",
        description=TEXT,
        epilog=NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("timed", type=Path, metavar="RUN", help="a latency run or a sweep, whose times are used")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the results")
    names = {"type": options.names, "metavar": "LIST"}
    what = parser.add_argument_group("what to replay (lists are separated by commas)")
    what.add_argument(
        "--rates",
        type=options.numbers,
        default=[15.0, 17.0, 25.0, 30.0],
        metavar="LIST",
        help="of the camera, in frames a second (default: 15,17,25,30)",
    )
    what.add_argument("--methods", help="of the run (default: all with key frames, and per-frame)", **names)
    what.add_argument("--backbones", help="of the run (default: all)", **names)
    what.add_argument("--intervals", type=options.integers, metavar="LIST", help="default: those of the run")
    what.add_argument("--waiting", default=["drop", "queue"], help="default: drop,queue", **names)
    what.add_argument("--keys", default=["sync", "background"], help="default: sync,background", **names)
    what.add_argument("--scope", choices=("model", "labels", "video"), default="labels", help="default: labels")
    options.add_weights(what, seed=False)
    data = parser.add_argument_group("data that is scored (see sweep)")
    options.add_data(data, default=None)
    data.add_argument("--clips", type=int, metavar="N", help="use the first N clips alone")
    data.add_argument("--frames", type=int, metavar="N", help="use the first N frames of each clip alone")
    options.add_device(parser.add_argument_group("how to compute the label maps"))
    parser.set_defaults(run=_run, resumes=True)


def _run(args: argparse.Namespace) -> int:
    from bench.report.tables.stream import stream_table
    from bench.stream import stream

    cells = stream(args.timed, args.out, **{name: getattr(args, name) for name in ARGUMENTS}, command=options.command())
    print(stream_table(cells))
    print(f"done; next: mpvss-bench report {shlex.quote(str(args.out))}", file=sys.stderr)
    return status.DONE
