"""`mpvss-bench compare`: the gate between two runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

REGRESSION, NOT_COMPARABLE, USAGE = 1, 2, 3

EXAMPLES = """\
example, as a gate:
  mpvss-bench sweep --out results/runs/before
  (the change)
  mpvss-bench sweep --out results/runs/after
  mpvss-bench compare results/runs/before results/runs/after --markdown summary.md

Times are judged from their raw samples: SLOWER or FASTER if a rank test says so, a bootstrap interval of the ratio of
the medians lies on one side of 1, and the medians differ by the floor; SAME if that interval lies within the floor;
else UNCLEAR. Counts (parameters, MACs), peak memory and mIoU are compared exactly or within a stated tolerance.

exit status: 0 no regression, 1 regression, 2 the runs cannot be compared, 3 wrong usage
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
    parser.add_argument("base", type=Path, metavar="BASE", help="results folder of a sweep")
    parser.add_argument("new", type=Path, metavar="NEW", help="another, of the same configuration")
    parser.add_argument(
        "--floor", type=float, default=0.05, help="relative change of a time that counts (default 0.05)"
    )
    parser.add_argument("--alpha", type=float, default=0.01, help="chance of any false alarm (default 0.01)")
    parser.add_argument("--counts-only", action="store_true", help="leave times out, on machines that others use too")
    parser.add_argument("--all", action="store_true", help="show what stayed the same too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table to a file as well")
    parser.set_defaults(run=run_compare)
    parser.error = lambda message: _refuse(parser, message)  # type: ignore[method-assign]


def _refuse(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    parser.print_usage(sys.stderr)
    parser.exit(USAGE, f"{parser.prog}: error: {message}\n")


def run_compare(args: argparse.Namespace) -> int:
    """Print what changed; the exit status: 0 no regression, 1 regression, 2 not comparable, 3 usage."""
    from bench.compare import NotComparableError, compare_runs

    try:
        findings = compare_runs(args.base, args.new, floor=args.floor, alpha=args.alpha, times=not args.counts_only)
    except NotComparableError as error:
        print(f"mpvss-bench: not comparable: {error}", file=sys.stderr)
        return NOT_COMPARABLE
    except (ValueError, OSError) as error:
        print(f"mpvss-bench: error: {error}", file=sys.stderr)
        return USAGE
    regressions = [finding for finding in findings if finding.is_regression]
    shown = findings if args.all else [finding for finding in findings if finding.verdict != "SAME"]
    text = _markdown(args.base, args.new, findings, shown)
    print(text, end="")
    if args.markdown is not None:
        args.markdown.write_text(text)
    return REGRESSION if regressions else 0


def _markdown(base: Path, new: Path, findings: Sequence, shown: Sequence) -> str:
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.verdict] = counts.get(finding.verdict, 0) + 1
    summary = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    lines = [f"**{new} against {base}:** {summary}", ""]
    if shown:
        lines += [
            "| Verdict | Backbone | Method | Quantity | Base | New | Detail |",
            "| --- | --- | --- | --- | ---: | ---: | --- |",
        ]
        lines += [
            f"| {f.verdict} | {f.backbone} | {f.method} | {f.quantity} | {f.base:.6g} | {f.new:.6g} | {f.detail} |"
            for f in shown
        ]
    return "\n".join(lines) + "\n"
