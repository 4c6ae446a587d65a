"""`mpvss-bench gate`: the counters of the code at hand against the committed ones."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli import status
from bench.cli.bisect import HELP, bisect_status
from bench.cli.compare import add_output, show

BASELINE = Path("results/ci-baseline.json")

EXAMPLES = """\
examples:
  mpvss-bench gate
      as CI does: has a counter of the small family become worse?
  mpvss-bench gate --update
      the change is meant, or the shipped weights are new: measure the baseline anew, and commit it

For every method of the small family with the shipped weights: parameters, and for key and non-key frames the MACs and
the operators executed (all exactly), the most memory that tensors hold (within 1 %), and mIoU on three short synthetic
clips at interval 5 (within 0.5 %). No time is taken, so that the answer is the same on a busy machine.

exit status: 0 no regression, 1 regression (WORSE or BROKEN), 2 bad input, 3 the baseline is of other weights, clips
or another version of torch
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "gate",
        help="has a counter become worse than the committed baseline",
        description="Count what the small family's methods execute and how well they segment, and fail if that is "
        "worse than the baseline.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--baseline",
        type=Path,
        default=BASELINE,
        metavar="FILE",
        help=f"the file to hold against (default: {BASELINE})",
    )
    parser.add_argument("--update", action="store_true", help="write the baseline instead of comparing")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write what was measured, in the baseline's format")
    parser.add_argument("--bisect", action="store_true", help=HELP)
    add_output(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from bench.gate.run import check, update

    if args.update:
        update(args.baseline)
        print(f"written: {args.baseline}")
        return status.DONE
    if args.bisect:
        return bisect_status(lambda: check(args.baseline, args.out), lambda found: show(args, found))
    return show(args, check(args.baseline, args.out))
