"""`mpvss-bench cost`: parameters and multiply-accumulates, without running anything."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli import options
from mpvss.errors import UserError

EXAMPLES = """\
examples:
  mpvss-bench cost
  mpvss-bench cost --methods per-frame,mpvss --backbones swin-t,swin-l --size 1024x2048 --classes 19
  mpvss-bench cost --methods accel --backbones r101+r50 --size 1024x2048 --classes 19
  mpvss-bench cost --paper
  mpvss-bench cost --counters --methods mpvss --backbones swin-t
  mpvss-bench cost --fps v100,a100,orin --methods per-frame,mpvss --backbones swin-t
  mpvss-bench cost --paper --fps v100
  mpvss-bench cost --fit cpu --json predict-cpu.json
  mpvss-bench cost --fps cpu --fitted predict-cpu.json --methods mpvss --backbones micro --size 192x320 --classes 12

One MAC is one multiply-accumulate; the paper's GFLOPs are GMACs. Of the two graphs, `paper` is the published
one and `lean` computes only what is used; both give the same labels. Counted are the operators that torch executes,
by their shapes alone; of `paper`, those that the labels are made of, as the paper counts. Not counted are activations,
softmax, additions, argmax and copies. A method that cannot run on shapes is run once on the CPU, and where it leaves
torch is named.

--fps predicts speed on devices that are not here, by name: each operator takes the longest of its arithmetic at a share
of the device's peak, its bytes at a share of its bandwidth, and the launch. The shares are fitted to 8 of the paper's
speeds on a V100, and taken to hold elsewhere. Predicted figures have a ~ before them. With --paper, all 24 of the
paper's are beside their predictions; exit status 1 if the 16 that were not fitted are off by over 6 % in the mean or
12 % at most. Networks run eagerly: with CUDA graphs, which start all kernels at once, they are faster than predicted.

--fit cpu runs four networks on one thread here, operator by operator, fits to them, and predicts 16 others, which it
runs too; exit status 1 if a frame of the 8 that were never looked at is off by over 15 %. --fps cpu --fitted FILE
predicts other methods from that file.
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "cost",
        help="parameters and multiply-accumulates, without running anything",
        description="Print the parameters of methods, and the multiply-accumulates of their key frames, of their "
        "non-key frames and of a clip's mean frame.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--methods", type=options.names, metavar="LIST", help="default: all the project's own")
    parser.add_argument(
        "--backbones",
        type=options.names,
        default=["r50"],
        metavar="LIST",
        help="default: r50. Accel takes KEY+OTHER, or a backbone whose usual companion runs on every frame",
    )
    parser.add_argument("--size", type=options.size, default=(480, 853), metavar="HxW", help="default: 480x853")
    parser.add_argument("--classes", type=int, default=124, metavar="N", help="default: 124")
    parser.add_argument("--interval", type=int, default=5, metavar="N", help="key-frame interval (default: 5)")
    parser.add_argument("--clip-length", type=int, default=15, metavar="N", help="frames (default: 15)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")
    parser.add_argument(
        "--paper",
        action="store_true",
        help="count every cell of the paper's Tables 1 and 2 beside the printed figure; exit status 1 if one is off",
    )
    parser.add_argument(
        "--counters",
        action="store_true",
        help="MACs of each stage of the lean graph by fvcore, thop, torch's FlopCounterMode and the project's own "
        "count of what is executed, and what each leaves out",
    )
    parser.add_argument("--fps", type=options.names, metavar="DEVICES", help="predict FPS: v100, a100, h100, cpu, ...")
    parser.add_argument("--fit", choices=("cpu",), help="measure and fit the CPU that is here, with one thread")
    parser.add_argument("--fitted", type=Path, metavar="FILE", help="with --fps cpu: what --fit cpu --json wrote")
    parser.add_argument("--devices", type=Path, metavar="FILE", help="TOML of more devices for --fps, as devices.toml")
    parser.add_argument(
        "--precision",
        choices=("float32", "tf32", "float16"),
        default="float32",
        help="number format of --fps (default: float32)",
    )
    parser.add_argument(
        "--graph", choices=("lean", "paper"), default="lean", help="the graph whose FPS is predicted (default: lean)"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from bench.cli.cost_speeds import print_fit, print_published_speeds, print_speeds
    from bench.cli.cost_tables import print_costs, print_counters, print_paper

    if args.counters and (args.paper or args.fps):
        raise UserError("--counters is a table of its own; give it without --paper and --fps")
    if args.fit and (args.paper or args.fps or args.counters):
        raise UserError("--fit measures networks of its own; give it without --paper, --fps and --counters")
    if args.fitted and (args.fps != ["cpu"] or args.paper or args.precision != "float32"):
        raise UserError("--fitted is of a CPU in float32; give it with --fps cpu alone")
    if args.devices and not args.fps:
        raise UserError("--devices adds to what --fps can name; give --fps too")
    if args.counters:
        return print_counters(args)
    if args.fit:
        return print_fit(args.json)
    if args.fps:
        return print_published_speeds(args) if args.paper else print_speeds(args)
    return print_paper(args.json) if args.paper else print_costs(args)
