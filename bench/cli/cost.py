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

One MAC is one multiply-accumulate; the paper's GFLOPs are GMACs. Of the two graphs, `paper` is the published
one and `lean` computes only what is used; both give the same labels. Counted by fvcore; not counted are
activations, softmax, additions, argmax and copies. --counters counts operators as they are executed instead of a
graph, which comes to the same for `lean`; of `paper`, it would add what nothing is made of.
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
        help="count every cell of the paper's Tables 1 and 2 that is built here, beside the printed figure; "
        "exit status 1 if one is off. Takes a few minutes",
    )
    parser.add_argument(
        "--counters",
        action="store_true",
        help="MACs of each stage of the lean graph by fvcore, thop, torch's FlopCounterMode and the project's own "
        "count of what is executed, and what each leaves out",
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from bench.measure.count import tables as cost_tables

    if args.paper and args.counters:
        raise UserError("--paper and --counters are two tables; give one of them")
    if args.counters:
        from bench.measure.count.by_stage_table import print_counters

        print_counters(args.methods, args.backbones, args.size, args.classes, args.json)
        return 0
    if args.paper:
        return cost_tables.print_paper(args.json)
    cost_tables.print_costs(
        args.methods, args.backbones, args.size, args.classes, args.interval, args.clip_length, args.json
    )
    return 0
