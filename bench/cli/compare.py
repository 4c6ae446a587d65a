"""`mpvss-bench compare`: the gate between two runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli import status

if TYPE_CHECKING:
    from bench.compare import Comparison

EXAMPLES = """\
example, as a gate:
  mpvss-bench latency --out results/runs/before
  (the change)
  mpvss-bench latency --out results/runs/after
  mpvss-bench compare results/runs/before results/runs/after --markdown summary.md

Times are judged from their raw samples, for each scope and kind of frame: SLOWER or FASTER if a rank test says so, a
bootstrap interval of the ratio of the medians lies on one side of 1, and the medians differ by the floor; SAME if that
interval lies within the floor; else UNCLEAR. Parameters, MACs and operators executed are compared exactly, peak memory
and mIoU within the tolerance that the table states: SAME, BETTER or WORSE. A cell that failed or was not finished in
NEW is BROKEN.

exit status: 0 no regression, 1 regression (SLOWER, WORSE or BROKEN), 2 bad input, 3 the runs cannot be compared
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "compare",
        help="what got slower, larger or worse from one run to another",
        description="Compare two runs of one configuration, and fail if the second is worse.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("base", type=Path, metavar="BASE", help="results folder of a sweep or of latency")
    parser.add_argument("new", type=Path, metavar="NEW", help="another, of the same configuration")
    parser.add_argument(
        "--floor", type=float, default=0.05, help="relative change of a time that counts (default 0.05)"
    )
    parser.add_argument("--alpha", type=float, default=0.01, help="chance of any false alarm (default 0.01)")
    parser.add_argument("--counts-only", action="store_true", help="leave times out, on machines that others use too")
    add_output(parser)
    parser.set_defaults(run=_run)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add what the commands of the gate share: how their table is written."""
    parser.add_argument("--all", action="store_true", help="show what stayed the same too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table to a file as well")


def show(args: argparse.Namespace, comparison: Comparison) -> int:
    """Print the table, and write it where that is asked for; the exit status."""
    from bench.runs.files import write_text

    text = comparison.text(all_rows=args.all)
    if args.markdown is not None:
        write_text(args.markdown, text)
    print(text, end="")
    return status.FAILED if comparison.is_regression else status.DONE


def _run(args: argparse.Namespace) -> int:
    from bench.compare import compare

    comparison = compare(args.base, args.new, floor=args.floor, alpha=args.alpha, counts_only=args.counts_only)
    return show(args, comparison)
