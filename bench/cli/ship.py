"""`mpvss-bench ship`: its arguments."""

from __future__ import annotations

import argparse
from pathlib import Path

TEXT = """\
Make the weights of a finished training run part of the project: bench/weights/BACKBONE/METHOD[@LABEL]/ gets
model.safetensors in float16, history.csv, and training.toml with the command, seed, commit, data, steps, last
validation and configuration. `--weights shipped` of a sweep loads them.
"""
EXAMPLES = """\
examples:
  mpvss-bench ship results/runs/small-mpvss --row micro/mpvss
  mpvss-bench ship results/runs/small-optical-flow --row micro/optical-flow@fine-tuned
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "ship",
        help="make trained weights part of the project",
        description=TEXT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="folder of a finished mpvss-bench train")
    parser.add_argument(
        "--row",
        required=True,
        metavar="BACKBONE/METHOD[@LABEL]",
        help="the row of results that the weights are for; for Accel, with the backbone of its key branch",
    )
    parser.add_argument(
        "--command",
        metavar="TEXT",
        help="the command to state, where the one that was given names places of this machine (default: that one)",
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from bench.train.ship import ship

    print(ship(args.folder, args.row, args.command))
    return 0
