"""`mpvss-bench history`: counters and median times over the project's commits."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli import status

EXAMPLES = """\
examples:
  mpvss-bench gate --update --baseline results/runs/counters.json
  mpvss-bench history results/runs/history results/runs/counters.json
      count what the present commit executes, add it to the history, and draw it
  mpvss-bench history results/runs/history results/runs/speed
      add the counters and the median times of a run, at the commit that it was measured at
  mpvss-bench history results/runs/history
      draw it anew
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "history",
        help="counters and median times over commits, with the steps found",
        description="Keep what runs measured, commit by commit, in a folder, and draw each counter and median time "
        "over the commits with the steps found: index.html, which works offline, and history.json.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the history's folder; made where it is missing")
    parser.add_argument(
        "runs",
        nargs="*",
        type=Path,
        metavar="RUN",
        help="results folder of a sweep or of `latency`, or a file that `gate --out` or `gate --update` wrote",
    )
    parser.add_argument(
        "--commit",
        metavar="HASH",
        help="commit that a file of the gate was measured at (default: that of the project's checkout)",
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from bench.history import history

    found = history(args.folder, args.runs, commit=args.commit)
    newest = found.commits[-1]
    for step in found.steps:
        if step.first.commit == newest:
            print(f"{step.verdict}: {step.key.quantity} of {step.key.name}, {step.change}")
    for file in found.files:
        print(file)
    commits, lines = len(found.commits), len(found.lines)
    print(f"{commits} commit{'s'[: commits > 1]}, {lines} values of each, {len(found.steps)} steps")
    return status.DONE
