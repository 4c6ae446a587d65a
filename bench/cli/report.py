"""`mpvss-bench report`."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli import options
from mpvss.errors import UserError

EXAMPLES = """\
examples:
  mpvss-bench report results/runs/demo
  mpvss-bench report results/runs/one results/runs/two --out both
  mpvss-bench report results/runs/vspw --data vspw:data/VSPW_480p
      with a player of clips, where the sweep kept label maps (--keep labels)
  mpvss-bench report results/measured --out reports --formats html,md,tex,csv,svg
      the report that comes with the project
  mpvss-bench report results/runs/demo --export hub --sink tensorboard
      as well: model cards with results, and figures for TensorBoard
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "report",
        help="a page, tables and figures of finished sweeps, beside the paper's",
        description="Write a page (index.html), a text (report.md), tables and figures from files alone: what was "
        "measured, beside what the paper prints, and what becomes of its claims.",
        epilog=EXAMPLES,
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
        type=options.names,
        metavar="LIST",
        help="some of html,md,tex,csv,svg,png (default: all)",
    )
    player = parser.add_argument_group("the player, player.html, of runs by `sweep --keep labels`")
    options.add_data_of_run(player)
    player.add_argument(
        "--play",
        type=int,
        default=3,
        metavar="N",
        help="show N clips of a run, evenly from the worst to the best by the gap to per-frame; 0: no player "
        "(default: 3)",
    )
    others = parser.add_argument_group("for other programs")
    others.add_argument(
        "--export",
        type=options.names,
        default=(),
        metavar="LIST",
        help="hub: model cards with results that model hubs read, and a table for a README, in OUT/hub; rrd: the "
        "player's clips as recordings for Rerun, in OUT/rrd",
    )
    others.add_argument("--source", metavar="URL", help="page with the results, which the model cards name")
    others.add_argument(
        "--sink",
        type=options.names,
        default=(),
        metavar="LIST",
        help="some of tensorboard,wandb,mlflow: write each cell's figures for these trackers, on disk, in OUT/NAME",
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from bench.report import FORMATS, report

    if args.out is None and len(args.runs) > 1:
        raise UserError("several runs are given; say with --out where their common report goes")
    out = args.out or args.runs[0] / "report"
    files = report(
        args.runs,
        out,
        FORMATS if args.formats is None else args.formats,
        data=args.data,
        labels=args.labels,
        classes=args.classes,
        play=args.play,
    )
    for file in files:
        if file.parent == out:
            print(file)
    if args.export or args.sink:
        from bench.report.export.write import export

        files += export(
            args.runs,
            out,
            exports=args.export,
            sinks=args.sink,
            source=args.source,
            data=args.data,
            labels=args.labels,
            classes=args.classes,
            play=args.play,
        )
    print(f"{len(files)} files in {out}")
    return 0
