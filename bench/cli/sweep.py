"""`mpvss-bench sweep`: its options."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bench.cli import check, launch, options

TEXT = """\
Measure every cell of methods x backbones x key-frame intervals on a data set: accuracy (mIoU, WIoU, mVC8,
mVC16), cost (GMACs, parameters), speed (FPS and times per kind of frame) and peak memory. A cell is written
as it ends. An interrupted sweep resumes when you rerun the command; a cell that failed is tried again then.
The lists of methods, backbones and intervals may grow between starts, everything else must stay. A method is
measured with those of the backbones that have it. The accuracy can be shared among the processes of a machine
(--workers) and among machines (--shard, then `mpvss-bench merge`).
"""
EXAMPLES = """\
data sets (--data):
  generated                           made up on the spot; also generated:clips=2,frames=20,size=96x160,seed=3
  synthetic                           streets and rooms rendered by the project, 40 held-out clips of 30 frames; also
                                      synthetic:split=train,clips=9,frames=20,size=96x160,seed=3 (or val, test)
  vspw:PATH                           VSPW_480p as it is distributed; also vspw:PATH,split=train (val, test)
  cityscapes:PATH                     Cityscapes: leftImg8bit_sequence and gtFine; also with split=; each method is
                                      scored at every distance from a key frame to the labelled one, then averaged
  camvid:PATH                         CamVid as the SegNet tutorial lays it out
  folder:PATH                         a folder of frames, or of folders of them; labels: --labels, --classes
  clips:PATH                          PATH/CLIP/frames with their label maps in PATH/CLIP/labels; give --classes
  video:PATH                          a video file; without labels, so without accuracy; give --classes

examples:
  mpvss-bench sweep --out results/runs/demo
  mpvss-bench sweep --methods copy,optical-flow,mpvss --backbones r50,swin-t --intervals 1,2,5,10 \\
      --data camvid:data/camvid --out results/runs/camvid
  mpvss-bench sweep --backbones swin-t --weights swin-t=mask2former.pth --weights swin-t/mpvss=mpvss.pth \\
      --data camvid:data/camvid --out results/runs/trained
  mpvss-bench sweep --methods per-frame,ground-truth-flow,optical-flow@pre-trained,optical-flow@fine-tuned,mpvss \\
      --weights shipped --data synthetic --intervals 1,2,5,10 --out results/runs/synthetic
  mpvss-bench sweep --backbones r50 --data vspw:PATH --device cuda --launch slurm --partition gpu --gpus-per-node 1 \\
      --cpus-per-task 8 --shards 8 --out results/runs/vspw
"""


ARGUMENTS = (
    *("methods", "backbones", "intervals", "data", "labels", "classes", "clips", "frames", "weights", "execution"),
    *("seed", "repeats", "device", "threads", "workers", "shard", "only", "keep"),
)
"""Options that are arguments of the function by the same names."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "sweep",
        help="measure methods x backbones x intervals on a data set",
        description=TEXT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the results")
    what = parser.add_argument_group("what to measure (lists are separated by commas)")
    what.add_argument(
        "--methods",
        type=options.names,
        default=["all"],
        metavar="LIST",
        help="methods (default: all of the project's own); METHOD@LABEL is a further row of one, with weights of its "
        "own; ground-truth-flow warps by the ground-truth flow, which synthetic clips know",
    )
    what.add_argument(
        "--backbones",
        type=options.names,
        default=["micro"],
        metavar="LIST",
        help="backbones, or all (default: micro)",
    )
    what.add_argument(
        "--intervals",
        type=options.integers,
        default=[1, 2, 5, 10],
        metavar="LIST",
        help="key-frame intervals (default: 1,2,5,10); per-frame is measured once, as interval 1",
    )
    options.add_weights(what)
    what.add_argument("--execution", choices=("lean", "paper"), default="lean", help="the graph (default: lean)")
    data = parser.add_argument_group("data")
    options.add_data(data)
    check.add_check(data)
    data.add_argument("--clips", type=int, metavar="N", help="use the first N clips alone")
    data.add_argument("--frames", type=int, metavar="N", help="use the first N frames of each clip alone")
    how = parser.add_argument_group("how")
    how.add_argument("--repeats", type=int, default=3, metavar="N", help="timed passes over a clip (default: 3)")
    options.add_device(how)
    how.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes that score clips side by side, with the threads divided among them, and on cuda the devices in "
        "turn; cost and time are measured in one process (default: 1)",
    )
    how.add_argument(
        "--shard", metavar="I/N", help="score part I of N of the clips alone, balanced by frames; see `merge`"
    )
    how.add_argument(
        "--only",
        type=options.names,
        metavar="LIST",
        help="of accuracy, cost, timing (default: all; of a shard the accuracy)",
    )
    how.add_argument(
        "--keep",
        type=options.names,
        default=[],
        metavar="LIST",
        help="labels: keep the label maps of all scored clips in the folder, lossless, for `score` and for the player "
        "of a report (default: nothing)",
    )
    launch.add_launch(parser)
    parser.set_defaults(run=_run, resumes=True)


def _run(args: argparse.Namespace) -> int:
    if args.check:
        return check.check([(args.data, args.labels, args.classes)])
    check.require_out(args)
    arguments: dict[str, Any] = {name: getattr(args, name) for name in ARGUMENTS} | {"command": options.command()}
    if args.launch:
        return launch.launch(args, arguments)
    launch.check_unused(args)
    from bench.sweep import sweep

    outcome = sweep(args.out, **arguments)
    options.print_tables(outcome.rows())
    return options.end(outcome.failed, args.out)
