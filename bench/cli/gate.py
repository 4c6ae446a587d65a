"""`mpvss-bench gate`: the counters of the code at hand against the committed ones."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.cli.compare import NOT_COMPARABLE, REGRESSION, USAGE, add_output

BASELINE = Path("results/ci-baseline.json")
DATA = "synthetic:clips=3,frames=6"

EXAMPLES = """\
examples:
  mpvss-bench gate
      as CI does: has a counter of the small family become worse?
  mpvss-bench gate --update
      the change is meant, or the shipped weights are new: measure the baseline anew, and commit it

For every method of the small family with the shipped weights: parameters, and for key and non-key frames the MACs and
the operators executed (all exactly), the most memory that tensors hold (within 1 %), and mIoU on three short synthetic
clips at interval 5 (within 0.5 %). No time is taken, so that the answer is the same on a busy machine.

exit status: 0 no regression, 1 regression (WORSE or BROKEN), 2 the baseline is of other weights, clips or another
version of torch, 3 wrong usage
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
    add_output(parser)
    parser.set_defaults(run=run_gate)


def run_gate(args: argparse.Namespace) -> int:
    """Measure, and compare or write; the exit status: 0 no regression, 1 regression, 2 not comparable, 3 usage."""
    from bench.compare.runs import NotComparableError
    from bench.compare.table import verdict_text
    from bench.gate.baseline import compare_counters, read_baseline
    from bench.runs.results import write_json

    try:
        baseline = None if args.update else read_baseline(args.baseline)

        from bench.gate.counters import measure_counters

        found = measure_counters(DATA)
        for file in filter(None, (args.out, args.baseline if args.update else None)):
            write_json(file, found)
        if baseline is None:
            print(f"written: {args.baseline}")
            return 0
        findings = compare_counters(baseline, found)
        text = verdict_text(f"this code against {args.baseline}", findings, all_rows=args.all)
        if args.markdown is not None:
            args.markdown.write_text(text)
    except NotComparableError as error:
        print(f"mpvss-bench: not comparable: {error}", file=sys.stderr)
        return NOT_COMPARABLE
    except (ValueError, OSError) as error:
        print(f"mpvss-bench: error: {error}", file=sys.stderr)
        return USAGE
    print(text, end="")
    return REGRESSION if any(finding.is_regression for finding in findings) else 0
