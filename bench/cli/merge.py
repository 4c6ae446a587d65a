"""`mpvss-bench merge`: its options."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli import options

TEXT = """\
Put the parts of a shared sweep together: every part by `sweep --shard I/N`, in any order, and the runs by `sweep --only
cost,timing`, which time one machine alone. The accuracy is that of a sweep over all clips. Parts may be copied from
other machines; they are only read. A part that is missing, there twice, not finished or of another sweep is refused.
"""
EXAMPLES = """\
examples:
  mpvss-bench sweep --data vspw:PATH --shard 1/2 --out parts/1         on one machine
  mpvss-bench sweep --data vspw:PATH --shard 2/2 --out parts/2         on another
  mpvss-bench sweep --data vspw:PATH --only cost,timing --out parts/timing
  mpvss-bench merge parts/1 parts/2 parts/timing --out results/runs/vspw
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "merge",
        help="put the parts of a shared sweep together",
        description=TEXT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", type=Path, nargs="+", metavar="PART", help="folder of a part")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the results")
    parser.set_defaults(run=_run, resumes=True)


def _run(args: argparse.Namespace) -> int:
    from bench.sweep import merge_parts

    outcome = merge_parts(args.parts, args.out, command=options.command())
    options.print_tables(outcome.rows())
    return options.end(outcome.failed, args.out)
